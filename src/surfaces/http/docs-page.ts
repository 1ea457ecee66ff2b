import { readFile } from "node:fs/promises";

type Asset = { contentType: string; url(): string };

const assets: Readonly<Record<string, Asset>> = {
  "swagger-ui.css": {
    contentType: "text/css; charset=utf-8",
    url: () => import.meta.resolve("swagger-ui-dist/swagger-ui.css"),
  },
  "swagger-ui-bundle.js": {
    contentType: "text/javascript; charset=utf-8",
    url: () => import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js"),
  },
};

/** The reference page; what it shows comes from /openapi.json. */
export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Duragent API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

export const docsScript = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null });\n`;

/** What a browser that comes by sees. */
export function welcomePage(version: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Duragent</title></head>
<body>
<h1>Duragent ${version}</h1>
<p>This is the server of a durable runtime for AI agents. Talk to it with <code>duragent chat</code>,
or over its API: <a href="/docs">reference</a>, <a href="/openapi.json">OpenAPI document</a>.</p>
</body>
</html>
`;
}

/** A file of the reference page from its package; `undefined` for any other name. */
export async function readDocsAsset(name: string): Promise<{ contentType: string; bytes: Uint8Array } | undefined> {
  const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
  return asset && { contentType: asset.contentType, bytes: await readFile(new URL(asset.url())) };
}
