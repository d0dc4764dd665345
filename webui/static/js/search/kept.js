// Delivers what an earlier page could not, and says how that went.

import { plural } from "../format.js";
import { toast } from "../toast.js";
import { deliverKept } from "./outbox.js";

export async function deliverAndTell() {
  const { saved, refused } = await deliverKept();
  if (saved) toast(`${plural(saved, "decision")} from before now saved.`);
  if (refused.length) toast(`${plural(refused.length, "decision")} from before could not be saved: ${refused[0].reason}`, { bad: true, stay: true });
  return { saved, refused };
}
