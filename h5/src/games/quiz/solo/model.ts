import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { GameContext } from '../../../shell/game'
import { ticking } from '../../../shell/ticker'
import { type Charge, Refused, type ServerEvent } from '../../../shell/wire'
import type { Asked, AskedSolo, Checked, Given, Picture, Play, Result, SoloPicture } from '../events'

const GLANCE_MS = 500 // what a checked answer is shown for at least, without feedback
const RIGHT_MS = 1600
const WRONG_MS = 3600 // with time to read why

export type SoloPhase = 'start' | 'asked' | 'checked' | 'result'

/** One member's attempts: the question, what the last answer brought, the result; from events and snapshots. */
export function soloModel(context: GameContext<Play, Picture>) {
  const now = ticking(context.now, 100)
  const play = computed(() => context.room.value.play)
  const attempts = ref(0)
  const attempt = ref(0) // the one that is going on
  const asked = shallowRef<Asked | null>(null)
  const checked = shallowRef<Checked | null>(null)
  const given = shallowRef<Given | null>(null) // what was sent and is not yet refused
  const result = shallowRef<Result | null>(null)
  const last = shallowRef<Result | null>(null)
  const score = ref(0)
  const lives = ref<number | null>(null)
  const best = ref(0)
  const points = ref(0)
  const joined = ref(0)
  const charge = shallowRef<Charge | null>(null)
  const beginning = ref(false)
  const refused = ref('') // the code that the last command met
  const stopped = ref(0) // what was left when the answer was checked
  const turnAt = ref(Infinity) // when the page turns from what was checked

  const phase = computed<SoloPhase>(() => {
    if (result.value) return 'result'
    if (checked.value) return 'checked'
    return asked.value ? 'asked' : 'start'
  })
  const left = computed(() => {
    const question = asked.value
    if (!question) return 0
    if (checked.value) return stopped.value
    return Math.min(question.ends_at - question.starts_at, Math.max(0, question.ends_at - now.value))
  })
  const over = computed(() => asked.value !== null && now.value >= asked.value.ends_at)

  function ask(question: Asked, of: number): void {
    attempt.value = of
    asked.value = question
    checked.value = given.value = null
    refused.value = ''
    turnAt.value = Infinity
  }

  function began(event: AskedSolo): void {
    result.value = null
    attempts.value = Math.max(attempts.value, event.attempt)
    score.value = event.score
    lives.value = event.lives ?? null
    ask(event.question, event.attempt)
  }

  function check(event: Checked): void {
    if (event.attempt !== attempt.value || event.question !== asked.value?.question) return
    score.value = event.score
    lives.value = event.lives ?? null
    stopped.value = left.value
    checked.value = event
    refused.value = ''
    const shown = event.right === true ? RIGHT_MS : event.right === false ? WRONG_MS : GLANCE_MS
    turnAt.value = Math.max(context.now() + shown, event.next?.starts_at ?? 0)
  }

  /** On to what the checked answer brought with it: the next question, or the result. */
  function turn(): void {
    const { next, result: end } = checked.value ?? {}
    if (next) ask(next, attempt.value)
    else if (end) finish(end)
  }

  function finish(end: Result): void {
    result.value = last.value = end
    asked.value = checked.value = given.value = null
    turnAt.value = Infinity
    best.value = Math.max(best.value, end.score)
    points.value += end.points
  }

  function restore(picture: SoloPicture): void {
    const ended = picture.last?.attempt === attempt.value && asked.value !== null && !picture.current
    attempts.value = picture.attempts
    best.value = picture.best
    points.value = picture.points
    last.value = picture.last
    const { current } = picture
    if (ended && picture.last) {
      result.value = picture.last // it ended while this page was away
      asked.value = checked.value = null
    } else if (current && checked.value?.next?.question !== current.question.question) {
      const same = current.attempt === attempt.value && current.question.question === asked.value?.question
      score.value = current.score
      lives.value = current.lives ?? null
      if (!same) ask(current.question, current.attempt)
    } else if (!current && !checked.value) asked.value = null
  }

  function heard(event: ServerEvent): void {
    if (event.charge) charge.value = event.charge
    if (event.ev === 'asked') began(event as AskedSolo)
    else if (event.ev === 'checked') check(event as Checked)
    else if (event.ev === 'tally') joined.value = Math.max(joined.value, (event as ServerEvent & { joined: number }).joined)
  }

  async function command(op: string, fields: Record<string, unknown>, plays: number): Promise<boolean> {
    refused.value = ''
    try {
      await context.command(op, fields, plays)
      return true
    } catch (error) {
      refused.value = error instanceof Refused ? error.code : 'unknown'
      return false
    }
  }

  /** Begins the next attempt. */
  async function begin(): Promise<void> {
    if (beginning.value) return
    beginning.value = true
    await command('begin', { attempt: attempts.value + 1 }, 1)
    beginning.value = false
  }

  async function answer(answered: Given): Promise<void> {
    const question = asked.value
    if (!question || given.value || checked.value) return
    given.value = answered
    const taken = await command('answer', { attempt: attempt.value, question: question.question, ...answered }, 0)
    if (!taken && asked.value === question) given.value = null
  }

  function home(): void {
    result.value = null
  }

  watch(
    context.snapshot,
    (snapshot) => {
      joined.value = Math.max(joined.value, snapshot?.joined ?? 0)
      charge.value = snapshot?.charge ?? charge.value
      if (snapshot?.game?.mode === 'solo') restore(snapshot.game)
    },
    { immediate: true, flush: 'sync' },
  )
  watch(now, (at) => at >= turnAt.value && turn())
  onScopeDispose(context.onEvent(heard))

  return {
    now, play, phase, left, over, attempts, attempt, asked, checked, given, result, last, score, lives, best, points,
    joined, charge, beginning, refused, turnAt, begin, answer, turn, home,
  }
}

export type SoloModel = ReturnType<typeof soloModel>
