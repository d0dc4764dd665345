// The one way to the server: JSON in and out, the CSRF token, a time limit, and every failure as an ApiError.

import { INSTALLATION, USER } from "./installation.js";
import { toast } from "./toast.js";

export class ApiError extends Error {
  /** status 0: no answer at all (server gone, network down, or the time limit). */
  constructor(status, code, message, { kind = null, batch = null } = {}) {
    super(message);
    Object.assign(this, { status, code, kind, batch });
  }
  /** Sending the same again may succeed: nothing says that it was refused. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 502 || this.signedOut;
  }
  /** The session has ended: once somebody has signed in again, in another tab, the same is answered. */
  get signedOut() {
    return this.code === "sign_in";
  }
  /** Another installation answers at this page's address, or somebody else is signed in. */
  get elsewhere() {
    return this.code === "other_installation" || this.code === "other_user";
  }
}

const tokenTag = () => document.querySelector('meta[name="csrf-token"]');

/** The session of a page left open may have been replaced, by a restart with a new secret for one. */
async function renewToken() {
  tokenTag().content = (await exchange("/token", {}, { timeout: 20000 })).token;
}

let closeDoor = null;

/** Said once, and not with a new page: what was selected on this one would be lost. */
function tellSignedOut() {
  const signIn = { label: "Sign in", run: () => { closeDoor = null; window.open("/login", "_blank", "noopener"); } };
  closeDoor ??= toast("You are signed out. Sign in again in a new tab, then go on here.", { bad: true, stay: true, action: signIn });
}

async function failure(answer) {
  let error = {};
  try {
    error = (await answer.json()).error ?? {};
  } catch (broken) {
    // An answer that is not JSON comes from something in between; its status is all there is to tell.
    if (!(broken instanceof SyntaxError)) throw broken;
  }
  return new ApiError(answer.status, error.code ?? `http_${answer.status}`, error.message ?? `The server answered ${answer.status}.`, error);
}

/** What the answer holds. One that breaks off halfway is no answer: the server may have done what was asked, or not. */
async function exchange(path, request, { signal, timeout }) {
  const limit = AbortSignal.timeout(timeout);
  try {
    const answer = await fetch(`/api/v1${path}`, {
      ...request, credentials: "same-origin", cache: "no-store",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    if (!answer.ok) throw await failure(answer);
    closeDoor?.();
    closeDoor = null;
    return answer.status === 204 ? null : await answer.json();
  } catch (error) {
    if (error instanceof ApiError && error.signedOut) tellSignedOut();
    if (error instanceof ApiError || signal?.aborted) throw error;
    if (limit.aborted) throw new ApiError(0, "timeout", `No answer within ${timeout / 1000} seconds.`);
    throw new ApiError(0, "offline", "Ruiji's server does not answer. Is it still running?");
  }
}

export async function api(path, { method = "GET", json, form, signal, timeout = 20000, renewed = false } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") Object.assign(headers, { "X-CSRF-Token": tokenTag().content, "X-Ruiji-Installation": INSTALLATION });
  if (method !== "GET" && USER) headers["X-Ruiji-User"] = encodeURIComponent(USER);
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
  try {
    return await exchange(path, { method, headers, body }, { signal, timeout });
  } catch (error) {
    if (error.code !== "csrf" || renewed) throw error;
  }
  await renewToken();
  return api(path, { method, json, form, signal, timeout, renewed: true });
}
