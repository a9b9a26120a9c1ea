import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { GameContext } from '../../../shell/game'
import { keep, kept } from '../../../shell/storage'
import { ticking } from '../../../shell/ticker'
import { Refused, type ServerEvent } from '../../../shell/wire'
import type {
  Asked, Finished, Given, LivePicture, LiveState, Picture, Play, QuestionLocked, QuestionOpened, Ranked, Revealed,
  Standing, Tally,
} from '../events'

export type LivePhase = 'lobby' | 'lead' | 'question' | 'answered' | 'locked' | 'reveal' | 'ranking' | 'podium'
const PATIENCE_MS = 45_000 // then the host may be away

/** Why a member only watches. */
export type Watching = 'out' | 'late' | null

const NOTHING: Standing = { score: 0, place: 0, streak: 0, alive: true, team: null, won: 0 }
const GONE: Record<string, Watching> = { out_of_game: 'out', late_join: 'late' }

/** One member's live quiz; from events and snapshots, in server time. */
export function liveModel(context: GameContext<Play, Picture>) {
  const now = ticking(context.now, 100)
  const play = computed(() => context.room.value.play)
  const state = ref<LiveState>('lobby')
  const asked = shallowRef<Asked | null>(null)
  const given = shallowRef<Given | null>(null) // this member's answer to it, where the page knows it
  const answered = ref(false)
  const sending = ref(false)
  const mine = ref<Standing>({ ...NOTHING })
  const revealed = shallowRef<Revealed | null>(null)
  const ranked = shallowRef<Ranked | null>(null)
  const finished = shallowRef<Finished | null>(null)
  const joined = ref(0)
  const answers = ref(0) // of all, to this question
  const teams = ref<Record<string, number>>({})
  const watching = ref<Watching>(null)
  const refused = ref('')
  const memory = `quiz.${context.room.value.id}`

  const phase = computed<LivePhase>(() => {
    const question = asked.value
    if (state.value !== 'question' || !question) return state.value === 'question' ? 'locked' : state.value
    if (now.value < question.starts_at) return 'lead'
    if (now.value >= question.ends_at) return 'locked'
    return answered.value ? 'answered' : 'question'
  })
  const left = computed(() => {
    const question = asked.value
    if (!question || state.value !== 'question') return 0
    return Math.min(question.ends_at - question.starts_at, Math.max(0, question.ends_at - now.value))
  })
  const over = computed(() => phase.value === 'locked')
  const since = ref(context.now())
  watch(phase, () => (since.value = context.now()), { flush: 'sync' })
  /** Nothing has moved for long where the host leads on. */
  const hostAway = computed(() => now.value - since.value > PATIENCE_MS)
  const teamNeeded = computed(() => !!play.value?.teams?.length && !mine.value.team && watching.value === null)

  function remembered(question: number): Given | null {
    try {
      const [of, answer] = JSON.parse(kept(memory) ?? '[]') as [number?, Given?]
      return of === question ? (answer ?? null) : null
    } catch {
      return null
    }
  }

  function pose(question: Asked): void {
    const same = question.question === asked.value?.question && question.starts_at === asked.value.starts_at
    asked.value = question
    if (same) return
    answered.value = sending.value = false
    given.value = null
    answers.value = 0
    refused.value = ''
  }

  function open(event: QuestionOpened): void {
    pose(event.question)
    state.value = 'question'
    revealed.value = ranked.value = finished.value = null
  }

  function reveal(event: Revealed): void {
    state.value = 'reveal'
    revealed.value = event
    answers.value = event.answered
    if (!event.mine) return
    const { score, streak, alive } = event.mine
    mine.value = { ...mine.value, score, streak, alive }
    if (!alive) watching.value = 'out'
  }

  function rank(event: Ranked | Finished): void {
    mine.value = { ...mine.value, score: event.score, place: event.place }
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'question_opened') open(event as QuestionOpened)
    else if (event.ev === 'question_locked') {
      answers.value = (event as QuestionLocked).answered
      if (state.value === 'question') state.value = 'locked'
    } else if (event.ev === 'revealed') reveal(event as Revealed)
    else if (event.ev === 'ranked') {
      state.value = 'ranking'
      rank((ranked.value = event as Ranked))
    } else if (event.ev === 'finished') {
      state.value = 'podium'
      rank((finished.value = event as Finished))
    } else if (event.ev === 'tally') count(event as Tally)
    else if (event.ev === 'answered') taken((event as ServerEvent & { question: number }).question)
    else if (event.ev === 'team_joined') mine.value = { ...mine.value, team: (event as ServerEvent & { team: string }).team }
  }

  function count(tally: Tally): void {
    joined.value = Math.max(joined.value, tally.joined)
    teams.value = tally.teams
    if (tally.question === asked.value?.question && tally.state === 'question') answers.value = tally.answered
  }

  function taken(question: number): void {
    if (question !== asked.value?.question) return
    answered.value = true
    given.value ??= remembered(question)
  }

  async function command(op: string, fields: Record<string, unknown>): Promise<string> {
    refused.value = ''
    try {
      await context.command(op, fields, 0)
      return ''
    } catch (error) {
      return (refused.value = error instanceof Refused ? error.code : 'unknown')
    }
  }

  async function answer(answered_: Given): Promise<void> {
    const question = asked.value
    if (!question || answered.value || sending.value || watching.value) return
    given.value = answered_
    keep(memory, JSON.stringify([question.question, answered_]))
    sending.value = true
    const code = await command('answer', { question: question.question, ...answered_ })
    if (asked.value?.question !== question.question) return
    sending.value = false
    watching.value = GONE[code] ?? watching.value
    if (code === 'answered_already') taken(question.question)
    else if (code) given.value = null
  }

  async function join(team: string): Promise<void> {
    if (sending.value) return
    sending.value = true
    await command('join_team', { team })
    sending.value = false
  }

  function restore(picture: LivePicture): void {
    const { question, solution, counts, players } = picture
    if (question) pose(question)
    state.value = picture.state
    mine.value = { ...(picture.mine ?? NOTHING) }
    if (!mine.value.alive) watching.value = 'out'
    answered.value = picture.answered
    answers.value = picture.answers
    if (picture.answered && question) given.value ??= remembered(question.question)
    teams.value = Object.fromEntries(picture.teams.map(({ id, members }) => [id, members]))
    const { place, score, won } = mine.value
    const at = question?.question ?? 0
    const shown = { top: picture.top ?? [], teams: picture.teams, players, place, score }
    if (picture.state === 'reveal' && solution && revealed.value?.question !== at) {
      const mine = picture.revealed
      revealed.value = { ev: 'revealed', question: at, solution, counts: counts ?? [], answered: picture.answers, mine }
    }
    if (picture.state === 'ranking' && ranked.value?.question !== at) {
      ranked.value = { ev: 'ranked', question: at, moved: 0, ...shown }
    }
    if (picture.state === 'podium') finished.value ??= { ev: 'finished', won, ...shown }
  }

  watch(
    context.snapshot,
    (snapshot) => {
      joined.value = Math.max(joined.value, snapshot?.joined ?? 0)
      if (snapshot?.game?.mode === 'live') restore(snapshot.game)
    },
    { immediate: true, flush: 'sync' },
  )
  onScopeDispose(context.onEvent(heard))

  return {
    now, play, state, phase, asked, given, answered, sending, left, over, mine, revealed, ranked, finished, joined,
    answers, teams, teamNeeded, hostAway, watching, refused, answer, join,
  }
}

export type LiveModel = ReturnType<typeof liveModel>
