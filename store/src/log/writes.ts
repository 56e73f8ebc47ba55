/**
 * The writes of a log's database, one at a time, and none behind one that failed. LevelDB itself goes on after a record
 * that its journal got only a part of, for want of room, and says of what comes behind it that it is written and synced;
 * but whoever opens the database next can't read that. What was opened anew has a new journal.
 */
export class Writes {
  #turn: Promise<unknown> = Promise.resolve()
  #failure: { readonly cause: unknown } | undefined

  /** Makes a write when those before it are made. From the first that fails on, rejects with what that failed with. */
  make(write: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#failure !== undefined) throw this.#failure.cause
      try {
        await write()
      } catch (cause) {
        this.fail(cause)
        throw cause
      }
    })
    this.#turn = done.catch(() => undefined)
    return done
  }

  /** A write failed that was made elsewhere. */
  fail(cause: unknown): void {
    this.#failure ??= { cause }
  }
}
