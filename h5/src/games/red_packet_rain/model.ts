import { computed, onBeforeUnmount, ref, shallowRef, watch } from 'vue'
import type { GameContext } from '../../shell/game'
import { ticking } from '../../shell/ticker'
import { Refused, type ServerEvent } from '../../shell/wire'
import type { Grabbed, Picture, Play, RoundClosed, RoundOpened, Sums, Tally, Times } from './events'

const TOO_BRIEF_MS = 3000 // who came for less of a round than this was not part of it
const RESULT_PATIENCE_MS = 6000 // then the round counts as missed

export type Phase = 'waiting' | 'countdown' | 'playing' | 'settling' | 'over'
export type Result = Omit<RoundClosed, 'ev' | 'top'> & { top: RoundClosed['top']; prizes: string[] }

const NOTHING: Omit<Sums, 'round'> = { sum: 0, score: 0, packets: 0, best: 0, place: 0 }

/** One member's rain: the round, the sums, the result; from events and snapshots, in server time. */
export function rainModel(context: GameContext<Play, Picture>) {
  const now = ticking(context.now, 100)
  const round = shallowRef<(Times & { key: string }) | null>(null)
  const next = shallowRef<Times | null>(null)
  const mine = ref({ ...NOTHING })
  const won = ref<string[]>([]) // rare prizes of this round
  const total = ref({ points: 0, packets: 0 })
  const joined = ref(0)
  const left = ref<number | null>(null)
  const result = shallowRef<Result | null>(null)
  const tooLate = ref(false) // the round began before this member came
  const gone = ref(false) // nothing is left in this round
  const taken = new Set<number>()
  let closed = -1
  let cameAt = 0

  const play = computed(() => context.room.value.play)
  const capped = computed(() => mine.value.packets >= (play.value?.cap ?? Infinity))
  const phase = computed<Phase>(() => {
    const times = round.value
    if (times && now.value < times.starts_at) return 'countdown'
    if (times && now.value < times.ends_at) return 'playing'
    if (times && closed < times.round && now.value < times.ends_at + RESULT_PATIENCE_MS) return 'settling'
    return next.value || !play.value || now.value < play.value.last_ends_at ? 'waiting' : 'over'
  })

  function begin(times: Times & { key: string }, sums: Sums | null, drops: number[]): void {
    if (round.value && times.round < round.value.round) return
    if (round.value?.round !== times.round) cameAt = context.now()
    round.value = times
    next.value = null
    mine.value = { ...(sums ?? NOTHING) }
    won.value = []
    left.value = null
    tooLate.value = gone.value = false
    taken.clear()
    for (const drop of drops) taken.add(drop)
    if (closed < times.round) result.value = null
  }

  function restore(picture: Picture | null): void {
    if (!picture) return
    const missed = round.value && picture.last?.round === round.value.round && closed < round.value.round
    total.value = { points: picture.points, packets: picture.packets }
    if (missed && picture.last) show({ ...picture.last, players: 0, left: 0, top: [], next: picture.next ?? undefined })
    if (picture.round) begin(picture.round, picture.mine, picture.taken)
    else {
      if (round.value && context.now() > round.value.ends_at) round.value = null
      next.value = picture.next
    }
  }

  function show(event: Omit<RoundClosed, 'ev'>): void {
    if (event.round <= closed) return
    closed = event.round
    next.value = event.next ?? null
    if (round.value?.round !== event.round) return
    total.value.points += event.won ?? 0
    const partOfIt = event.packets > 0 || cameAt < round.value.ends_at - TOO_BRIEF_MS
    if (partOfIt) result.value = { ...event, prizes: won.value }
    round.value = null
  }

  function grabbed(event: Grabbed): void {
    if (taken.has(event.drop)) return
    taken.add(event.drop)
    mine.value.sum = event.sum
    mine.value.score = event.score
    if (event.kind !== 'packet' && event.kind !== 'prize') return
    mine.value.packets += 1
    total.value.packets += 1
    total.value.points += event.amount ?? 0
    mine.value.best = Math.max(mine.value.best, event.amount ?? 0)
    if (event.kind === 'prize' && event.prize) won.value = [...won.value, event.prize]
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'round_opened') begin(event as RoundOpened, null, [])
    else if (event.ev === 'round_closed') show(event as RoundClosed)
    else if (event.ev === 'tally') {
      const tally = event as Tally
      joined.value = Math.max(joined.value, tally.joined)
      if (tally.round === round.value?.round) left.value = tally.left
    } else if (event.ev === 'grabbed') grabbed(event as Grabbed)
  }

  async function grab(drop: number): Promise<Refused | Grabbed> {
    try {
      return (await context.command('grab', { drop }, taken.size ? 0 : 1)) as Grabbed // a round is one play
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused('unknown')
      if (refused.code === 'late_join') tooLate.value = true
      if (refused.code === 'sold_out') gone.value = true
      if (refused.code === 'drop_taken') taken.add(drop)
      return refused
    }
  }

  watch(
    context.snapshot,
    (snapshot) => {
      joined.value = Math.max(joined.value, snapshot?.joined ?? 0)
      restore(snapshot?.game ?? null)
    },
    { immediate: true, flush: 'sync' },
  )
  onBeforeUnmount(context.onEvent(heard))

  return { now, phase, round, next, mine, won, total, joined, left, result, tooLate, gone, capped, taken, play, grab }
}

export type RainModel = ReturnType<typeof rainModel>
