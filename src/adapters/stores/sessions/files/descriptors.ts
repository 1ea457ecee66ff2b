import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";

type Slot = {
  file: FileHandle | Promise<FileHandle>;
  /** Uses in progress: its number must not be given to another file meanwhile. */
  pins: number;
  beforeClose: (file: FileHandle) => Promise<void>;
  /** Out of the table; called by the last use. */
  whenFree: (() => void) | null;
};

/** Logs that may be open at once. */
export const openLogsMax = 256;

/** Open descriptors, the least recently used closed first; one that is in use is never closed. */
export class Descriptors {
  readonly #fs: FileSystem;
  readonly #slots = new Map<string, Slot>();
  readonly #max: number;

  constructor(fs: FileSystem, max = openLogsMax) {
    this.#fs = fs;
    this.#max = max;
  }

  get openCount(): number {
    return this.#slots.size;
  }

  /** Runs `use` with the open file; `beforeClose` is called when the descriptor has to make room for another. */
  async with<Result>(
    path: string,
    beforeClose: (file: FileHandle) => Promise<void>,
    use: (file: FileHandle) => Promise<Result>,
  ): Promise<Result> {
    const slot = this.#slot(path, beforeClose);
    slot.beforeClose = beforeClose;
    slot.pins += 1;
    try {
      return await use(await slot.file);
    } finally {
      slot.pins -= 1;
      if (slot.pins === 0) slot.whenFree?.();
      // While everything was in use nothing could be closed.
      if (slot.pins === 0) this.#makeRoom();
    }
  }

  /** Takes a file that the caller has just opened. */
  adopt(path: string, file: FileHandle, beforeClose: (file: FileHandle) => Promise<void>): void {
    this.discard(path);
    this.#slots.set(path, { file, pins: 0, beforeClose, whenFree: null });
    this.#makeRoom();
  }

  /** Closes the descriptor as soon as nothing uses it, without ceremony: its log is poisoned, moved or gone. */
  discard(path: string): void {
    const slot = this.#slots.get(path);
    if (!slot) return;
    this.#slots.delete(path);
    slot.beforeClose = nothingToDo;
    // Nothing that was written through it counts, so a failing close changes nothing.
    closeWhenFree(slot).catch(nothingToDo);
  }

  /** Resolves when the descriptor is closed. */
  async close(path: string): Promise<void> {
    const slot = this.#slots.get(path);
    if (!slot) return;
    this.#slots.delete(path);
    await closeWhenFree(slot);
  }

  #slot(path: string, beforeClose: (file: FileHandle) => Promise<void>): Slot {
    let slot = this.#slots.get(path);
    if (slot) {
      this.#slots.delete(path);
      this.#slots.set(path, slot);
      return slot;
    }
    const opening = this.#fs.open(path, "append");
    const fresh: Slot = { file: opening, pins: 0, beforeClose, whenFree: null };
    slot = fresh;
    this.#slots.set(path, fresh);
    opening.then(
      (file) => {
        fresh.file = file;
      },
      () => {
        // The caller, who awaits the same promise, is told; the next use tries again.
        if (this.#slots.get(path) === fresh) this.#slots.delete(path);
      },
    );
    this.#makeRoom();
    return fresh;
  }

  #makeRoom(): void {
    if (this.#slots.size <= this.#max) return;
    const newest = this.#slots.size - 1;
    let position = 0;
    for (const [path, slot] of this.#slots) {
      if (this.#slots.size <= this.#max || position === newest) return;
      position += 1;
      if (slot.pins > 0) continue;
      this.#slots.delete(path);
      // What fails here has been told to the log by its `beforeClose`.
      closeWhenFree(slot).catch(nothingToDo);
    }
  }
}

async function closeWhenFree(slot: Slot): Promise<void> {
  const file = await slot.file;
  if (slot.pins > 0) {
    await new Promise<void>((resolve) => {
      slot.whenFree = resolve;
    });
  }
  try {
    await slot.beforeClose(file);
  } finally {
    await file.close();
  }
}

async function nothingToDo(): Promise<void> {}
