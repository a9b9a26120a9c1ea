import { type Ref, shallowRef } from 'vue'
import type { zh } from '../shell/messages/zh-CN'
import type { Settled } from '../shell/wire'

type Key = keyof typeof zh

/** Of wins of so many points that many were credited, and why not all. */
export interface Told {
  credited: number
  granted: number
  why: Key
}

const REASONS = ['daily_cap', 'monthly_cap', 'yearly_cap', 'budget_exhausted'] as const

/** What of this page's wins was not credited: every win is told once, those of a reason together. */
export class Cuts {
  /** What was told last; a new array each time. */
  readonly told: Readonly<Ref<Told[]>> = shallowRef([])
  private known = new Set<string>()

  heard({ cut = [] }: Settled): void {
    const sums = new Map<Key, Told>()
    for (const [prize, unit, credited, granted, reason] of cut) {
      const win = `${prize}/${unit}`
      if (this.known.has(win)) continue // settled twice, as after a crash of the worker
      this.known.add(win)
      const why: Key = `cut.${REASONS.find((known) => known === reason) ?? 'other'}`
      const sum = sums.get(why)
      sums.set(why, { credited: credited + (sum?.credited ?? 0), granted: granted + (sum?.granted ?? 0), why })
    }
    if (sums.size) (this.told as Ref<Told[]>).value = [...sums.values()]
  }
}
