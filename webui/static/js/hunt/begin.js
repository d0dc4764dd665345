// Begins a hunt and goes to its page.

import { api } from "../api.js";
import { toast } from "../toast.js";

export const EXAMPLES = 10; // of those that are selected, for it to begin with
const MOST_MS = 60000; // each example may have to wait for the query worker

let beginning = false; // a second click means the same hunt

/** examples: [{ image_id | upload | sample, sign }]. Throws what the server refuses. */
export async function begin(label, examples) {
  if (beginning) return;
  beginning = true;
  try {
    const hunt = await api("/hunts", { method: "POST", json: { label, examples }, timeout: MOST_MS });
    location.href = `/hunts/${hunt.id}`;
  } finally {
    beginning = false;
  }
}

export async function startHunt(label, examples) {
  try {
    await begin(label, examples);
  } catch (error) {
    toast(error.code === "unknown_upload" ? "That picture is no longer kept: drop or choose it again, then hunt." : `No hunt was started: ${error.message}`, { bad: true });
  }
}
