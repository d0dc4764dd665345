// Hands a picture to the server, which keeps it for an hour under its hash and says at once if it is none.

import { keepName } from "../search/names.js";
import { ask } from "../search/question.js";
import { noFilter, noQuery } from "../search/state.js";

/** The picture as the API names it: { upload }. A search for one neighbour is what has it looked at. */
export async function handOver(file, signal) {
  const { query } = await ask({ ...noQuery, ...noFilter }, { file, k: 1, signal });
  keepName(query.upload, file.name || "Pasted picture");
  return { upload: query.upload };
}
