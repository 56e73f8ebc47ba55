import type { Terminal } from './terminal.js'

/** Often enough to be seen moving, seldom enough to cost nothing. */
const periodMs = 100
const barColumns = 24

/** Shows `checking ██████░░░ 62 % 620,000 of 1,000,000 events, 810,000/s`; nothing where nobody looks. */
export class Progress {
  readonly #terminal: Terminal
  readonly #unit: string
  readonly #nowMs: () => number
  #step = ''
  #startedAt = 0
  #startedWith = 0
  #shownAt = Number.NEGATIVE_INFINITY

  constructor(terminal: Terminal, unit: string, nowMs: () => number = () => performance.now()) {
    this.#terminal = terminal
    this.#unit = unit
    this.#nowMs = nowMs
  }

  /** @param step One word; the rate is counted anew for each. */
  show(step: string, done: number, all: number): void {
    const { progress } = this.#terminal
    if (progress === undefined) return
    const now = this.#nowMs()
    if (step !== this.#step) {
      this.#step = step
      this.#startedAt = now
      this.#startedWith = done
      this.#shownAt = Number.NEGATIVE_INFINITY
    }
    if (now - this.#shownAt < periodMs) return
    this.#shownAt = now
    const share = all === 0 ? 1 : Math.min(1, done / all)
    const full = Math.floor(share * barColumns)
    const perSecond = Math.round(((done - this.#startedWith) / Math.max(now - this.#startedAt, 1)) * 1000)
    const count = `${grouped(done)} of ${grouped(all)} ${this.#unit}`
    progress(
      `${step} ${'█'.repeat(full)}${'░'.repeat(barColumns - full)} ${Math.floor(share * 100)} % ${count}, ${grouped(perSecond)}/s`,
    )
  }

  end(): void {
    this.#terminal.progress?.('')
  }
}

const grouped = (count: number): string => count.toLocaleString('en')
