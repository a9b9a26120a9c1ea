import { reduced } from '../../shell/motion'
import type { Drop } from './rain'
import { Sparks } from './sparks'
import { BOMB_RATIO, PACKET_RATIO, Sprites } from './sprites'

const SLOP = 12 // px around a packet that still count as a tap on it
const SLOW_FRAME_MS = 28
const SLOW_FRAMES = 5 // of the last
const RECENT_FRAMES = 20
const LEAST_QUALITY = 0.49
const LIKELY_WIDTH = 390
const LIVE_AFTER_MS = 130 // the server takes no tap in a drop's first 100 ms
// neighbours in time appear far apart (R2 sequence: powers of the inverse plastic number)
const ACROSS = 0.754878
const DOWN = 0.56984
const STRAY = 0.26 // how much of the width a drop's own column moves it

let quality = 1 // what this phone can do is known from the round before

/** Where and how a drop is drawn now, in CSS px of the canvas. */
interface Pose {
  x: number
  y: number
  width: number
  height: number
  turn: number
}

export interface Spot {
  x: number
  y: number
  drop: number
  bomb: boolean
}

/** The canvas of falling drops: draws them in server time and says which one was tapped. */
export class Field {
  readonly frames: number[] = []
  readonly sparks = new Sparks()
  private readonly brush: CanvasRenderingContext2D
  private readonly sprites = new Sprites()
  private drops: Drop[] = []
  private hidden = new Set<number>()
  private startsAt = 0
  private width = 0
  private height = 0
  private scale = 1
  private slow: boolean[] = []
  private request = 0

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly now: () => number,
    private readonly onTap: (spot: Spot) => void,
  ) {
    const brush = canvas.getContext('2d')
    if (!brush) throw new Error('this browser has no canvas')
    this.brush = brush
    canvas.addEventListener('pointerdown', this.tapped)
    addEventListener('resize', this.resize)
    void this.sprites.load().then(this.resize)
  }

  /** A round's drops; those in `hidden` are not shown. */
  load(drops: Drop[], startsAt: number, hidden: Iterable<number>): void {
    this.drops = drops
    this.startsAt = startsAt
    this.hidden = new Set(hidden)
    this.frames.length = 0
    this.resize()
    cancelAnimationFrame(this.request)
    this.request = requestAnimationFrame(this.frame)
  }

  hide(drop: number): void {
    this.hidden.add(drop)
  }

  show(drop: number): void {
    this.hidden.delete(drop)
  }

  stop(): void {
    cancelAnimationFrame(this.request)
    this.canvas.removeEventListener('pointerdown', this.tapped)
    removeEventListener('resize', this.resize)
  }

  /** For tests: a drop that can be tapped now, a packet rather than a bomb, in px of the window. */
  peek(): Spot | undefined {
    const box = this.canvas.getBoundingClientRect()
    const spots = this.live()
      .map(({ drop, pose }) => ({ x: box.left + pose.x, y: box.top + pose.y, drop: drop.id, bomb: drop.bomb }))
      .filter((spot) => spot.y > box.top + 40 && spot.y < box.bottom - 60)
      .filter((spot) => this.hit(spot.x - box.left, spot.y - box.top)?.id === spot.drop)
    return spots.find((spot) => !spot.bomb) ?? spots[0]
  }

  private elapsed(): number {
    return this.now() - this.startsAt
  }

  private live(): { drop: Drop; pose: Pose }[] {
    const t = this.elapsed()
    return this.drops
      .filter((drop) => t >= drop.spawn + LIVE_AFTER_MS && t < drop.end && !this.hidden.has(drop.id))
      .map((drop) => ({ drop, pose: this.pose(drop, t) }))
  }

  private pose(drop: Drop, t: number): Pose {
    const zoom = Math.min(1.3, Math.max(0.86, this.width / LIKELY_WIDTH))
    const width = (drop.bomb ? 82 : 64 + (drop.look & 15)) * zoom
    const height = width * (drop.bomb ? BOMB_RATIO : PACKET_RATIO)
    const margin = width / 2 + 6
    const first = this.drops[0]?.column ?? 0
    const column = (1 + first / 65536 + drop.id * ACROSS + (drop.column / 65536 - 0.5) * STRAY) % 1
    const x = margin + column * (this.width - 2 * margin)
    const lean = (((drop.look >> 4) & 63) / 63 - 0.5) * (drop.bomb ? 0.3 : 0.7)
    if (reduced()) {
      const y = height / 2 + ((drop.id * DOWN) % 1) * (this.height - height)
      return { x, y, width, height, turn: 0 }
    }
    const part = (t - drop.spawn) / (drop.end - drop.spawn)
    const turn = lean + 0.14 * Math.sin(t / 330 + drop.look)
    return { x, y: -height / 2 + part * (this.height + height), width, height, turn }
  }

  private hit(x: number, y: number): Drop | undefined {
    const live = this.live().reverse()
    const within = (slop: number) => (one: { drop: Drop; pose: Pose }): boolean => {
      const { pose } = one
      const [dx, dy] = [x - pose.x, y - pose.y]
      const [cos, sin] = [Math.cos(pose.turn), Math.sin(pose.turn)]
      const u = Math.abs(dx * cos + dy * sin)
      const v = Math.abs(dy * cos - dx * sin)
      return u <= pose.width / 2 + slop && v <= pose.height / 2 + slop
    }
    // a finger that is a little off helps with packets, and never sets off a bomb
    return (live.find(within(0)) ?? live.filter((one) => !one.drop.bomb).find(within(SLOP)))?.drop
  }

  private tapped = (event: PointerEvent): void => {
    event.preventDefault()
    const box = this.canvas.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    const drop = this.hit(x, y)
    if (!drop) return
    this.hide(drop.id)
    this.sparks.burst(x, y, performance.now(), drop.bomb)
    this.onTap({ x, y, drop: drop.id, bomb: drop.bomb })
  }

  private resize = (): void => {
    const box = this.canvas.getBoundingClientRect()
    this.width = box.width
    this.height = box.height
    this.scale = Math.min(devicePixelRatio || 1, 2) * quality
    this.canvas.width = Math.round(box.width * this.scale)
    this.canvas.height = Math.round(box.height * this.scale)
    if (this.sprites.ready) this.sprites.raster(88 * this.scale)
  }

  private frame = (at: number): void => {
    this.request = requestAnimationFrame(this.frame)
    this.adapt(at)
    const t = this.elapsed()
    this.brush.setTransform(1, 0, 0, 1, 0, 0)
    this.brush.clearRect(0, 0, this.canvas.width, this.canvas.height)
    for (const drop of this.drops)
      if (t >= drop.spawn && t < drop.end && !this.hidden.has(drop.id)) this.draw(drop, this.pose(drop, t))
    this.brush.setTransform(this.scale, 0, 0, this.scale, 0, 0)
    this.sparks.draw(this.brush, performance.now(), this.width)
  }

  private draw(drop: Drop, { x, y, width, height, turn }: Pose): void {
    const sprite = drop.bomb ? this.sprites.bomb : this.sprites.packet(drop.look >> 10)
    if (!sprite) return
    const [cos, sin] = [Math.cos(turn) * this.scale, Math.sin(turn) * this.scale]
    this.brush.setTransform(cos, sin, -sin, cos, x * this.scale, y * this.scale)
    this.brush.drawImage(sprite, -width / 2, -height / 2, width, height)
  }

  /** Fewer pixels when too many of the last frames were slow. */
  private adapt(at: number): void {
    const last = this.frames[this.frames.length - 1]
    this.frames.push(at)
    this.slow.push(last !== undefined && at - last > SLOW_FRAME_MS)
    if (this.slow.length > RECENT_FRAMES) this.slow.shift()
    if (quality <= LEAST_QUALITY || this.slow.filter(Boolean).length < SLOW_FRAMES) return
    this.slow = []
    quality *= 0.7
    this.resize()
  }
}
