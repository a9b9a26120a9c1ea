import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { StageContext } from '../../shell/stage'
import type { ServerEvent } from '../../shell/wire'
import type { Picture, Play, Tally, WheelPrize, Winner } from './events'

/** A winner on the big screen; `key` stays with them while they are among the last. */
export interface Shown extends Winner {
  key: number
}

/** The winners of now, newest first, those of before among them recognised; `fresh` are the new ones. */
export function followed(now: Winner[], before: Shown[], next: number): { shown: Shown[]; fresh: Shown[] } {
  const same = (a: Winner | undefined, b: Winner | undefined): boolean => a?.name === b?.name && a?.prize === b?.prize
  let added = 0
  // the list only grows at its head and is cut at its end
  while (added < now.length && !now.slice(added).every((line, i) => same(line, before[i]))) added++
  const fresh = now.slice(0, added).map((line, i) => ({ ...line, key: next + added - i }))
  return { shown: [...fresh, ...before.slice(0, now.length - added)], fresh }
}

/** The wheel as the big screen sees it. */
export function wheelShow(context: StageContext<Play, Picture>, shout: (fresh: Shown[]) => void) {
  const plays = ref(0)
  const wins = ref(0)
  const left = shallowRef<Record<string, number>>({})
  const recent = shallowRef<Shown[]>([])
  let key = 0
  let heardOne = false

  const prizes = computed(() => context.room.value.play?.prizes ?? [])
  const prizeOf = (id: string): WheelPrize | undefined => prizes.value.find((prize) => prize.id === id)

  function heard(event: ServerEvent): void {
    if (event.ev !== 'tally') return
    const tally = event as Tally
    context.joined(tally.joined)
    plays.value = tally.plays
    wins.value = tally.wins
    left.value = tally.left
    const { shown, fresh } = followed(tally.recent, recent.value, key)
    key += fresh.length
    recent.value = shown
    if (heardOne) shout(fresh) // who had won before this screen was opened is only listed
    heardOne = true
  }

  watch(context.snapshot, (snapshot) => (left.value = snapshot?.game?.left ?? {}), { immediate: true, flush: 'sync' })
  onScopeDispose(context.onEvent(heard))
  return { plays, wins, left, recent, prizes, prizeOf }
}
