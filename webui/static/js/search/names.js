// What the file of an uploaded picture was called: the server keeps its bytes only, so this tab remembers the name.

import { INSTALLATION, USER } from "../installation.js";

const key = (upload) => `ruiji.picture.${INSTALLATION}@${USER}.${upload}`;
const LONGEST = 255;

export function keepName(upload, name) {
  try {
    sessionStorage.setItem(key(upload), name.slice(0, LONGEST));
  } catch {
    // Storage full or forbidden: the picture goes without its name.
  }
}

export function nameOfUpload(upload) {
  try {
    return sessionStorage.getItem(key(upload)) ?? "Uploaded picture";
  } catch {
    return "Uploaded picture";
  }
}
