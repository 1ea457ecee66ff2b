import assert from "node:assert/strict";
import { test } from "node:test";

import { secretsHidden } from "../../../gateways/protocol/src/hide-secrets.ts";

test("what configuration and environment name like a secret is hidden, also inside an address", () => {
  const hide = secretsHidden(
    { bot_token: "12:AB-cd/ef", http: { signing_secret: "s3cr3t-s3cr3t", host: "localhost" }, api_keys: ["key-one-1"] },
    { SLACK_APP_TOKEN: "xapp-1-2", PATH: "/usr/bin:/bin", https_proxy: "http://ann:pw@proxy:1", no_proxy: "localhost" },
  );
  assert.equal(
    hide("12:AB-cd/ef 12%3AAB-cd%2Fef s3cr3t-s3cr3t key-one-1 xapp-1-2 http://ann:pw@proxy:1 localhost /usr/bin:/bin"),
    "[hidden] [hidden] [hidden] [hidden] [hidden] [hidden] localhost /usr/bin:/bin",
  );
});

test("a secret that is part of another is hidden with it, and a short value hides no words", () => {
  const hide = secretsHidden({ token: "abcdef", app_token: "abcdef-ghijkl", key: "a" }, {});
  assert.equal(hide("abcdef-ghijkl abcdef a"), "[hidden] [hidden] a");
});
