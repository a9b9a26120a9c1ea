import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { GameContext } from '../../shell/game'
import { type Charge, Refused, type ServerEvent } from '../../shell/wire'
import { chancesOf } from './chances'
import type { Outcome, Picture, Play, Spun, Tally, WheelPrize, Win, Winner } from './events'

const WINS_KEPT = 20

/** idle; waiting for the answer to a spin; landing on it; its result is shown. */
export type Phase = 'idle' | 'waiting' | 'landing' | 'shown'

/** One member's draws, whatever the skin: what was asked, what came of it, what is left. */
export function wheelModel(context: GameContext<Play, Picture>) {
  const phase = ref<Phase>('idle')
  const results = shallowRef<Outcome[]>([])
  const refusal = shallowRef<Refused | null>(null)
  const charge = shallowRef<Charge | null>(null)
  const plays = ref(0)
  const untilPity = ref<number | null>(null)
  const points = ref(0)
  const wins = shallowRef<Win[]>([])
  const left = shallowRef<Record<string, number>>({})
  const recent = shallowRef<Winner[]>([])
  const out = ref(false) // the server said so; until it says something else
  // drawn, but not yet shown: nothing tells of it before
  let unseen: Spun | null = null
  let untold: Tally | null = null

  const play = computed(() => context.room.value.play)
  const prizes = computed(() => play.value?.prizes ?? [])
  const chances = computed(() => chancesOf(charge.value, context.room.value.cost))
  const target = computed(() => best(results.value, prizes.value)?.prize ?? '')
  const prizeOf = (id: string | undefined): WheelPrize | undefined => prizes.value.find((one) => one.id === id)
  const wonBy = ({ prize }: Outcome): boolean => (prizeOf(prize)?.kind ?? 'none') !== 'none'
  /** Points among them; an amount of another kind is plays. */
  const pointsOf = (won: readonly (Outcome | Win)[]): number =>
    won.reduce((sum, { prize, amount = 0 }) => sum + (prizeOf(prize)?.kind === 'points' ? amount : 0), 0)
  const gone = ({ id }: WheelPrize): boolean => left.value[id] === 0
  const lockedFor = ({ unlock_after }: WheelPrize): number => Math.max(0, (unlock_after ?? 0) - plays.value)
  const soldOut = computed(() => {
    const worth = prizes.value.filter((prize) => prize.kind !== 'none')
    return worth.length > 0 && worth.every((prize) => prize.stock !== null && gone(prize))
  })

  function restore(picture: Picture | null): void {
    if (!picture) return
    unseen = null
    plays.value = picture.plays
    untilPity.value = picture.until_pity
    points.value = picture.points
    wins.value = picture.wins
    left.value = picture.left
  }

  function refused(why: Refused): void {
    if (phase.value === 'waiting') phase.value = 'idle'
    tell()
    out.value = why.code === 'no_chance_left'
    if (why.code !== 'not_agreed') refusal.value = why // the shell asks by itself
  }

  async function spin(times: number): Promise<void> {
    if (phase.value !== 'idle') return
    phase.value = 'waiting'
    refusal.value = null
    if (context.link.value.phase !== 'online') return refused(new Refused('offline'))
    try {
      await context.command('spin', { times }, times) // `heard` takes the answer
    } catch (error) {
      refused(error instanceof Refused ? error : new Refused('unknown'))
    }
  }

  function spun(event: Spun): void {
    if (unseen) count(unseen)
    unseen = event
    results.value = event.results
    out.value = false
    // a page that was loaded anew in mid-spin has nothing to bring to rest
    phase.value = phase.value === 'waiting' ? 'landing' : 'shown'
    if (phase.value === 'shown') tell()
  }

  function tell(): void {
    if (unseen) count(unseen)
    if (untold) look(untold)
    unseen = untold = null
  }

  function look(tally: Tally): void {
    recent.value = tally.recent
    left.value = tally.left
  }

  function count(event: Spun): void {
    plays.value = event.plays
    untilPity.value = event.until_pity ?? null
    const known = new Set(wins.value.map(({ prize, unit }) => `${prize} ${unit}`))
    const fresh = event.results.flatMap(({ prize, unit, amount = 0 }) =>
      unit !== undefined && !known.has(`${prize} ${unit}`) ? [{ prize, unit, amount, at: context.now() }] : [],
    )
    points.value += pointsOf(fresh)
    wins.value = [...fresh.reverse(), ...wins.value].slice(0, WINS_KEPT)
  }

  /** The skin shows the result: now everything else may. */
  function landed(): void {
    if (phase.value !== 'landing') return
    phase.value = 'shown'
    tell()
  }

  function close(): void {
    if (phase.value !== 'shown') return
    phase.value = 'idle'
    results.value = []
  }

  function heard(event: ServerEvent): void {
    if (event.charge) {
      charge.value = event.charge
      out.value = false
    }
    if (event.ev === 'spun') spun(event as Spun)
    else if (event.ev === 'tally') {
      if (phase.value === 'waiting' || phase.value === 'landing') untold = event as Tally
      else look(event as Tally)
    }
  }

  watch(
    context.snapshot,
    (snapshot) => {
      if (snapshot?.charge) charge.value = snapshot.charge
      out.value = false
      restore(snapshot?.game ?? null)
    },
    { immediate: true, flush: 'sync' },
  )
  watch(context.link, (link) => {
    if (link.phase === 'stopped' && phase.value === 'waiting') refused(new Refused('offline'))
  })
  onScopeDispose(context.onEvent(heard))

  return {
    phase, results, refusal, plays, untilPity, points, wins, left, recent, out, play, prizes, chances, target,
    soldOut, prizeOf, wonBy, pointsOf, gone, lockedFor, spin, landed, close,
  }
}

export type WheelModel = ReturnType<typeof wheelModel>

/** The rarest win among them, else the first. */
export function best(results: readonly Outcome[], prizes: readonly WheelPrize[]): Outcome | undefined {
  const rarity = ({ prize }: Outcome): number => {
    const found = prizes.find((one) => one.id === prize)
    return !found || found.kind === 'none' ? Infinity : found.odds
  }
  return [...results].sort((a, b) => rarity(a) - rarity(b))[0]
}
