/** Headers of what a browser is to save, never to show or run (RFC 6266); a folder in the name is left out. */
export function attachmentHeaders(name: string): Record<string, string> {
  const file = name.slice(name.lastIndexOf("/") + 1) || "artifact";
  const plain = file.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  // What RFC 8187 allows, and encodeURIComponent leaves as it is beyond that.
  const exact = encodeURIComponent(file).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return {
    "content-disposition": `attachment; filename="${plain}"; filename*=UTF-8''${exact}`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
  };
}
