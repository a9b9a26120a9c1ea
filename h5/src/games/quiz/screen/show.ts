import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { StageContext } from '../../../shell/stage'
import { ticking } from '../../../shell/ticker'
import type { ServerEvent } from '../../../shell/wire'
import type {
  Asked, Finished, LivePicture, LiveState, Picture, Play, QuestionLocked, QuestionOpened, Ranked, Revealed, Tally,
} from '../events'

export type ShowPhase = 'lobby' | 'lead' | 'question' | 'locked' | 'reveal' | 'ranking' | 'podium'

/** The live quiz as the big screen sees it; also what its host page steers by. */
export function quizShow(context: StageContext<Play, Picture>) {
  const now = ticking(context.now, 100)
  const play = computed(() => context.room.value.play)
  const state = ref<LiveState>('lobby')
  const asked = shallowRef<Asked | null>(null)
  const done = ref<number[]>([]) // the questions that were asked
  const answered = ref(0)
  const joined = ref(0)
  const teams = ref<Record<string, number>>({})
  const revealed = shallowRef<Revealed | null>(null)
  const ranked = shallowRef<Ranked | null>(null)
  const finished = shallowRef<Finished | null>(null)

  const phase = computed<ShowPhase>(() => {
    const question = asked.value
    if (state.value !== 'question' || !question) return state.value === 'question' ? 'locked' : state.value
    if (now.value < question.starts_at) return 'lead'
    return now.value >= question.ends_at ? 'locked' : 'question'
  })
  const left = computed(() => {
    const question = asked.value
    if (!question || state.value !== 'question') return 0
    return Math.min(question.ends_at - question.starts_at, Math.max(0, question.ends_at - now.value))
  })
  /** The next question to ask; null when all were asked. */
  const next = computed(() => {
    const of = play.value?.of ?? 0
    for (let question = 0; question < of; question++) if (!done.value.includes(question)) return question
    return null
  })

  function pose(question: Asked): void {
    if (question.starts_at !== asked.value?.starts_at) answered.value = 0
    asked.value = question
    if (!done.value.includes(question.question)) done.value = [...done.value, question.question]
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'question_opened') {
      pose((event as QuestionOpened).question)
      revealed.value = ranked.value = finished.value = null
      state.value = 'question'
    } else if (event.ev === 'question_locked') {
      answered.value = (event as QuestionLocked).answered
      if (state.value === 'question') state.value = 'locked'
    } else if (event.ev === 'revealed') {
      revealed.value = event as Revealed
      answered.value = revealed.value.answered
      state.value = 'reveal'
    } else if (event.ev === 'ranked') {
      ranked.value = event as Ranked
      state.value = 'ranking'
    } else if (event.ev === 'finished') {
      finished.value = event as Finished
      state.value = 'podium'
    } else if (event.ev === 'tally') count(event as Tally)
  }

  function count(tally: Tally): void {
    joined.value = Math.max(joined.value, tally.joined)
    context.joined(tally.joined)
    teams.value = tally.teams
    // a tally may have waited behind the events that followed it
    if (tally.question === asked.value?.question && state.value === 'question') answered.value = Math.max(answered.value, tally.answered)
  }

  function restore(picture: LivePicture): void {
    if (picture.question) pose(picture.question)
    done.value = picture.asked
    state.value = picture.state
    answered.value = picture.answers
    teams.value = Object.fromEntries(picture.teams.map(({ id, members }) => [id, members]))
    const { solution, counts, players } = picture
    const shown = { top: picture.top ?? [], teams: picture.teams, place: 0, score: 0, players }
    const question = asked.value?.question ?? 0
    if (picture.state === 'reveal' && solution && revealed.value?.question !== question) {
      revealed.value = { ev: 'revealed', question, solution, counts: counts ?? [], answered: picture.answers, mine: null }
    }
    if (picture.state === 'ranking' && ranked.value?.question !== question) {
      ranked.value = { ev: 'ranked', question, moved: 0, ...shown }
    }
    if (picture.state === 'podium') finished.value ??= { ev: 'finished', ...shown }
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
  return { now, play, state, phase, asked, done, next, answered, joined, teams, left, revealed, ranked, finished }
}

export type QuizShow = ReturnType<typeof quizShow>
