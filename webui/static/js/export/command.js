// The same export as a command for the shell.

const PLAIN = /^[A-Za-z0-9_./:=@%+,][A-Za-z0-9_./:=@%+,-]*$/; // no name that begins with a dash is one
const ENDINGS = { csv: ".csv", coco: ".json", parquet: ".parquet", labelstudio: ".json" };

/** Folders with photos. */
export const TREES = { imagefolder: true, huggingface: true };

/** One word for a POSIX shell, whatever is in it. */
export const word = (text) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** `home`: the RUIJI_HOME that a shell has to be told; empty where it finds it by itself. */
export function commandOf({ names, format, rejected, home = "" }) {
  const out = `ruiji-${format}${ENDINGS[format] ?? ""}`;
  const options = ["--format", format, ...(format in TREES ? ["--files", "symlink"] : []), ...(rejected ? ["--rejected"] : [])];
  const dashed = names.some((name) => name.startsWith("-")); // else a name would be taken for an option
  return [...(home ? [`RUIJI_HOME=${word(home)}`] : []), "ruiji export", ...options, ...(dashed ? ["--"] : []), ...names.map(word), out].join(" ");
}
