/** One artifact; what is larger belongs into a storage of its own. */
export const artifactBytesMax = 5 * 1024 ** 3;
/** What a file system takes for one name, less what stands behind it. */
const fileNameBytesMax = 240;
const nameCharactersMax = 255;
const metaEnding = ".meta.yaml";

/** What is wrong with an artifact's name, to go on after it; `null`: nothing. The same for every backend, so that all of them can take over from each other. */
export function artifactNameFault(name: string): string | null {
  if (name === "") return "is empty";
  if (name === "." || name === "..") return "can not stand in a URL";
  if (name.length > nameCharactersMax) return `has ${name.length} characters; at most ${nameCharactersMax} are allowed`;
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) return "holds control characters or half a character";
  const bytes = new TextEncoder().encode(artifactFileName(name)).length;
  if (bytes > fileNameBytesMax) return `takes ${bytes} bytes as a file's name; at most ${fileNameBytesMax} are allowed`;
  return null;
}

/** The one component of a path that a name becomes: what would lead elsewhere, hide it or collide with a `.meta.yaml` is percent-encoded. */
export function artifactFileName(name: string): string {
  const encoded = name.replaceAll(/[%/\\]/g, percent);
  const shown = encoded.startsWith(".") ? `%2E${encoded.slice(1)}` : encoded;
  return shown.endsWith(metaEnding) ? `${shown.slice(0, -metaEnding.length)}%2E${metaEnding.slice(1)}` : shown;
}

/** The name that a file's name stands for; a file that somebody put there under a name of no such form is called what it is. */
export function artifactNameOf(file: string): string {
  const name = file.replaceAll(/%(25|2F|5C|2E)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return artifactFileName(name) === file ? name : file;
}

/** Whether an entry of a folder of artifacts is one, by its name. */
export const isArtifactFile = (file: string): boolean => !file.startsWith(".") && !file.endsWith(metaEnding);

/** Where the facts about a file of this name stand. */
export const metaFileOf = (file: string): string => `${file}${metaEnding}`;

/** The file that these facts are about; `null` where they are none. */
export const fileOfMeta = (meta: string): string | null =>
  meta.endsWith(metaEnding) && meta.length > metaEnding.length ? meta.slice(0, -metaEnding.length) : null;

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
