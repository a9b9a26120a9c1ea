import { computed, onBeforeUnmount, ref, shallowRef, watch } from 'vue'
import type { StageContext } from '../../shell/stage'
import { ticking } from '../../shell/ticker'
import type { ServerEvent } from '../../shell/wire'
import type { Leader, Picture, Play, RoundClosed, RoundOpened, Tally, Times } from './events'

const COUNTING_MS = 6000

export type ShowPhase = 'waiting' | 'countdown' | 'playing' | 'settling' | 'over'

/** The rain as the big screen sees it: from tallies, rounds and the first snapshot. */
export function rainShow(context: StageContext<Play, Picture>) {
  const now = ticking(context.now, 100)
  const round = shallowRef<Times | null>(null)
  const next = shallowRef<Times | null>(null)
  const top = shallowRef<Leader[]>([])
  const podium = shallowRef<Leader[]>([])
  const left = ref<number | null>(null)
  const players = ref(0)
  const play = computed(() => context.room.value.play)

  const phase = computed<ShowPhase>(() => {
    const times = round.value
    if (times && now.value < times.starts_at) return 'countdown'
    if (times && now.value < times.ends_at) return 'playing'
    if (times && now.value < times.ends_at + COUNTING_MS) return 'settling'
    return next.value || !play.value || now.value < play.value.last_ends_at ? 'waiting' : 'over'
  })

  function begin(times: Times): void {
    if (round.value?.round === times.round) return
    round.value = times
    next.value = null
    top.value = podium.value = []
    left.value = play.value?.packets_per_round ?? null
    players.value = 0
  }

  function end(closed: RoundClosed): void {
    next.value = closed.next ?? null
    if (round.value?.round !== closed.round) return
    round.value = null
    top.value = podium.value = closed.top
    players.value = closed.players
    left.value = closed.left
  }

  function count(tally: Tally): void {
    context.joined(tally.joined)
    if (tally.round !== round.value?.round && round.value) return
    top.value = tally.top
    players.value = tally.players
    left.value = tally.left
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'round_opened') begin(event as RoundOpened)
    else if (event.ev === 'round_closed') end(event as RoundClosed)
    else if (event.ev === 'tally') count(event as Tally)
  }

  watch(
    context.snapshot,
    (snapshot) => {
      const picture = snapshot?.game
      if (picture?.round) begin(picture.round)
      else next.value = picture?.next ?? null
    },
    { immediate: true, flush: 'sync' },
  )
  onBeforeUnmount(context.onEvent(heard))
  return { now, round, next, top, podium, left, players, play, phase }
}
