import type { Client } from "../../../client/client.ts";
import type { SessionId } from "../../../schema/ids.ts";
import type { SessionEvent } from "../../../schema/session-event.ts";
import type { ShownApproval } from "./api.ts";

/** What the log does not say of a question: asked for once while the past is read, then for each new one. */
export class PendingQuestions {
  readonly #client: Pick<Client, "getSession">;
  readonly #id: SessionId;
  #past: Promise<readonly ShownApproval[]> | null = null;
  #isPast = true;

  constructor(client: Pick<Client, "getSession">, id: SessionId) {
    this.#client = client;
    this.#id = id;
  }

  /** The past has been read. */
  forget(): void {
    this.#isPast = false;
    this.#past = null;
  }

  /** What *always allow* would keep for the call that an event asks about; `undefined` where that can not be known. */
  async alwaysOf(event: SessionEvent): Promise<readonly string[] | undefined> {
    if (event.type !== "approval_required") return undefined;
    const pending = this.#isPast ? (this.#past ??= this.#ask()) : this.#ask();
    return (await pending).find(({ approval_id }) => approval_id === event.approval_id)?.always;
  }

  async #ask(): Promise<readonly ShownApproval[]> {
    try {
      return (await this.#client.getSession(this.#id)).pending_approvals;
    } catch {
      // The question itself is shown all the same.
      return [];
    }
  }
}
