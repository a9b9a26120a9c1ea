import { type EffectScope, effectScope, ref, shallowRef } from 'vue'
import { vi } from 'vitest'
import type { GameContext } from '../../shell/game'
import { Refused, type Room, type ServerEvent, type Snapshot } from '../../shell/wire'
import type { Asked, Picture, Play } from './events'

export const question = (number: number, starts_at = 1000, fields: Partial<Asked> = {}): Asked => ({
  question: number, of: 3, kind: 'single', text: `question ${number}`, image: null, options: ['a', 'b'],
  difficulty: 1, starts_at, ends_at: starts_at + 10_000, ...fields,
})

export interface Sent {
  op: string
  fields: Record<string, unknown>
  plays?: number
  refuse: (code: string) => Promise<void>
  take: () => Promise<void>
}

/** A page's context whose clock is moved, and whose commands are answered, by hand; use fake timers. */
export function bench(play: Partial<Play>, picture: Picture) {
  const listeners = new Set<(event: ServerEvent) => void>()
  const sent: Sent[] = []
  const scope: EffectScope = effectScope()
  let clock = 1000
  const snapshot = shallowRef({ joined: 1, game: picture } as unknown as Snapshot<Picture>)
  const context = {
    room: shallowRef({ id: 'r1', play, prizes: [], cost: null } as unknown as Room<Play>), snapshot,
    now: () => clock, immersive: ref(false), holding: ref(false), joined: () => undefined, host: null,
    command: (op: string, fields: Record<string, unknown>, plays?: number) =>
      new Promise<ServerEvent>((resolve, reject) => {
        const settle = async (work: () => void): Promise<void> => {
          work()
          await vi.advanceTimersByTimeAsync(0)
        }
        sent.push({
          op, fields, plays,
          refuse: (code) => settle(() => reject(new Refused(code))),
          take: () => settle(() => resolve({ ev: 'done' })),
        })
      }),
    onEvent: (listener: (event: ServerEvent) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as GameContext<Play, Picture>
  return {
    context, sent, snapshot,
    run: <Model>(make: () => Model): Model => scope.run(make)!,
    says: (event: object) => listeners.forEach((listener) => listener(event as ServerEvent)),
    /** A reconnect that brings this picture. */
    welcome: (game: Picture) => (snapshot.value = { joined: 1, game } as unknown as Snapshot<Picture>),
    /** Lets server time pass. */
    async pass(ms: number) {
      clock += ms
      await vi.advanceTimersByTimeAsync(200)
    },
    stop: () => scope.stop(),
  }
}
