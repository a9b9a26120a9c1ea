import { reduced } from '../../shell/motion'
import { type Glide, gliding, landing, RUN_UP_MS, running } from './glide'

const BACK_MS = 700

/** Turns a ring of stops frame by frame: from the tap until the answer, then to rest on it. */
export class Runner {
  position = 0
  private home = 0
  private frame = 0
  private begun = 0
  private glide: Glide | null = null
  private glideBegun = 0
  private goal: { stop: number; ms: number } | null = null
  private done: (() => void) | null = null

  /**
   * @param stops places on the ring
   * @param turnMs one turn at full speed
   * @param draw shows a position
   */
  constructor(
    private readonly stops: number,
    private readonly turnMs: number,
    private readonly draw: (position: number) => void,
  ) {}

  /** Puts it there, at rest. */
  place(position: number): void {
    this.halt()
    this.show(position)
  }

  start(): void {
    this.halt()
    this.home = this.position % this.stops
    this.position = this.home
    this.begun = performance.now()
    if (!reduced()) this.frame = requestAnimationFrame(this.tick)
  }

  /** Resolves when it rests on `stop`. */
  land(stop: number, ms: number): Promise<void> {
    if (reduced() || !this.frame) {
      this.place(stop)
      return Promise.resolve()
    }
    this.goal = { stop, ms }
    return new Promise((resolve) => (this.done = resolve))
  }

  /** Nothing was drawn: on to where it stood before. */
  back(): void {
    void this.land(this.home, BACK_MS)
  }

  halt(): void {
    cancelAnimationFrame(this.frame)
    this.frame = 0
    this.goal = this.glide = null
    this.done?.()
    this.done = null
  }

  private show(position: number): void {
    this.position = position
    this.draw(position)
  }

  private readonly tick = (): void => {
    const now = performance.now()
    if (this.glide) {
      this.show(gliding(this.glide, now - this.glideBegun))
      if (now - this.glideBegun >= this.glide.ms) return this.halt()
    } else this.show(running(this.home, this.speed, now - this.begun))
    if (this.goal && !this.glide && now - this.begun >= RUN_UP_MS) {
      this.glide = landing(this.position, this.speed, this.stops, this.goal.stop, this.goal.ms)
      this.glideBegun = now
    }
    this.frame = requestAnimationFrame(this.tick)
  }

  private get speed(): number {
    return this.stops / this.turnMs
  }
}
