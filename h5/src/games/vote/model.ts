import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { GameContext } from '../../shell/game'
import { token } from '../../shell/member'
import { ticking } from '../../shell/ticker'
import { Refused, type ServerEvent } from '../../shell/wire'
import type { Picture, Play, Tally, Voted } from './events'
import { levelsOf, weightOf } from './weight'
import { dayOf, windowsAt, type Windows } from './windows'

/** A ballot on its way: shown as if it counted, until the answer says so or not. */
interface Underway {
  key: number
  choices: string[]
}

export interface Refusal {
  code: string
  choices: string[]
}

export interface Thanks {
  key: number
  choices: string[]
  weight: number
}

const UNKNOWN: Windows = { voting: 'before', votingAt: 0, signup: null, signupAt: 0 }

/** The member's own ballots and everybody's numbers, from the snapshot and the events since. */
export function voteModel(context: GameContext<Play, Picture>) {
  const now = ticking(context.now, 500)
  const today = shallowRef<Record<string, number>>({})
  const leftToday = ref<number | null>(null)
  const leftTotal = ref<number | null>(null)
  const voted = ref(false)
  const counts = shallowRef<Record<string, number>>({})
  const underway = shallowRef<Underway[]>([])
  const underReview = shallowRef<ReadonlySet<string>>(new Set())
  const picked = ref<string[]>([])
  const refusal = shallowRef<Refusal | null>(null)
  const thanks = shallowRef<Thanks | null>(null)
  const tally = shallowRef<Tally | null>(null)
  const changes = ref(0) // how often the list of contestants was said to have changed
  const weight = ref(1)
  let keys = 0

  const play = computed(() => context.room.value.play)
  const ballots = computed(() => play.value?.ballots ?? null)
  const several = computed(() => (ballots.value?.choose_max ?? 1) > 1)
  const day = computed(() => dayOf(now.value, context.room.value.timezone))
  const closes = computed(() => context.snapshot.value?.game?.closes_at ?? Infinity)
  const windows = computed(() => (play.value ? windowsAt(now.value, play.value, closes.value) : UNKNOWN))
  const shows = computed(() => {
    const results = play.value?.results
    return results === 'always' || (results === 'after_voting' && voted.value) || windows.value.voting === 'over'
  })

  const less = (left: number | null): number | null => (left === null ? null : Math.max(0, left - underway.value.length))
  const left = computed(() => ({ today: less(leftToday.value), total: less(leftTotal.value) }))
  const usedUp = computed(() => left.value.today === 0 || left.value.total === 0)

  function named(id: string): number {
    return underway.value.filter(({ choices }) => choices.includes(id)).length
  }
  /** The member's ballots of today that name the contestant. */
  const mineOf = (id: string): number => (today.value[id] ?? 0) + named(id)
  /** Votes as far as they are known, with those on their way; null: unknown or not to be seen. */
  function votesOf(id: string): number | null {
    const known = counts.value[id]
    if (!shows.value || known === undefined) return null
    return known + (underReview.value.has(id) ? 0 : named(id) * weight.value)
  }
  function full(id: string): boolean {
    const most = ballots.value?.per_contestant_per_day
    return most != null && mineOf(id) >= most
  }

  /** Counts only grow, so the larger of two reports is the newer one. */
  function learn(told: Iterable<readonly [string, number]>): void {
    const next = { ...counts.value }
    let more = false
    for (const [id, votes] of told) {
      if (votes <= (next[id] ?? -1)) continue
      next[id] = votes
      more = true
    }
    if (more) counts.value = next
  }

  function toggle(id: string): void {
    refusal.value = null
    if (picked.value.includes(id)) picked.value = picked.value.filter((one) => one !== id)
    else if (picked.value.length >= (ballots.value?.choose_max ?? 1)) refuse('too_many_choices', [id])
    else picked.value = [...picked.value, id]
  }

  function refuse(code: string, choices: string[]): void {
    refusal.value = { code, choices }
  }

  /** Sends a ballot; it counts on the page from the tap on, and is taken back if it is refused. */
  async function cast(choices: string[]): Promise<void> {
    refusal.value = thanks.value = null
    const wrong = wrongWith(choices)
    if (wrong) return refuse(wrong, choices)
    const ballot = { key: ++keys, choices }
    underway.value = [...underway.value, ballot]
    picked.value = []
    try {
      await context.command('vote', { choices })
    } catch (error) {
      const code = error instanceof Refused ? error.code : 'unknown'
      if (several.value && !picked.value.length && code !== 'contestant_unknown') picked.value = choices
      if (code !== 'not_agreed') refuse(code, choices)
    } finally {
      underway.value = underway.value.filter((one) => one !== ballot)
    }
  }

  function wrongWith(choices: string[]): string | null {
    if (windows.value.voting === 'before') return 'not_voting_yet'
    if (windows.value.voting === 'over') return 'closed'
    if (usedUp.value) return 'ballot_limit'
    if (choices.some(full)) return 'contestant_limit'
    return choices.length < (ballots.value?.choose_min ?? 1) ? 'too_few_choices' : null
  }

  function answered(event: Voted): void {
    const { choices, left_today: forToday = null, left_total: inAll = null } = event
    // an answer repeated after a reconnect is in the snapshot already
    const known = (forToday !== null && leftToday.value !== null && forToday >= leftToday.value) ||
      (inAll !== null && leftTotal.value !== null && inAll >= leftTotal.value)
    weight.value = event.weight
    voted.value = true
    if (event.votes) learn(Object.entries(event.votes))
    if (known) return
    leftToday.value = forToday
    leftTotal.value = inAll
    const mine = { ...today.value }
    for (const id of choices) mine[id] = (mine[id] ?? 0) + 1
    today.value = mine
    thanks.value = { key: ++keys, choices, weight: event.weight }
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'voted') answered(event as Voted)
    else if (event.ev === 'contestants_changed') changes.value++
    else if (event.ev === 'tally') {
      tally.value = event as Tally
      underReview.value = new Set(tally.value.under_review)
      learn(tally.value.top.map(({ id, votes }) => [id, votes] as const))
    }
  }

  function arrived(picture: Picture | null | undefined): void {
    if (!picture) return
    today.value = picture.today
    leftToday.value = picture.left_today
    leftTotal.value = picture.left_total
    voted.value = picture.voted
    if (picture.votes) learn(Object.entries(picture.votes))
  }

  watch(() => context.snapshot.value?.game, arrived, { immediate: true, flush: 'sync' })
  watch(play, (now) => now && (weight.value = weightOf(levelsOf(token()), now.weights)), { immediate: true })
  watch(day, () => {
    today.value = {}
    leftToday.value = ballots.value?.per_day ?? null
  })
  onScopeDispose(context.onEvent(heard))

  return {
    now, play, ballots, several, windows, closes, shows, left, usedUp, voted, weight, tally, changes, underReview, picked,
    refusal, thanks, underway, counts, mineOf, votesOf, full, learn, toggle, cast,
  }
}

export type VoteModel = ReturnType<typeof voteModel>
