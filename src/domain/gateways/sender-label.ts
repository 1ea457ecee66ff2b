type Sender = {
  readonly id: string;
  readonly username?: string | undefined;
  readonly display_name?: string | undefined;
};

const charactersMax = 64;
// What ends or reorders a line or shows nothing, beside all that is blank: it would let a name pose as another's message.
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** How the model and the log name a sender: one line, at most 64 characters. For people and models only: nothing is decided by it. */
export function senderLabel({ id, username, display_name: displayName }: Sender): string {
  return [displayName, username, id].map(oneLine).find((name) => name !== "") ?? "someone";
}

function oneLine(name: string | undefined): string {
  const line = (name ?? "").replaceAll(unfit, " ").replaceAll(/\s+/gu, " ").trim();
  return Array.from(line).slice(0, charactersMax).join("").trim();
}
