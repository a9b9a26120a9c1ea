import { computed, onBeforeUnmount, onMounted, ref, watch } from 'vue'
import type { Host } from '../../../shell/stage'
import { Refused } from '../../../shell/wire'
import type { QuizShow } from './show'
import { allowed, type Key, meaning, nextStep, type Step } from './steps'

const GRACE_MS = 350 // the server takes answers for 250 ms more
const NOTE_MS = 4000
const QUIET = new Set(['wrong_state', 'not_locked']) // another host page was faster

/** Leads the quiz by keys and buttons; locks each question when its time is over. */
export function hosting(show: QuizShow, link: Host) {
  const busy = ref(false)
  const asking = ref(false) // whether to finish
  const helping = ref(false)
  const refused = ref('')
  let timer = 0
  let locked = -1 // the start of the question that was locked from here

  const moment = computed(() => ({
    state: show.state.value,
    over: show.asked.value !== null && show.now.value >= show.asked.value.ends_at + GRACE_MS,
    next: show.next.value,
  }))
  const next = computed(() => nextStep(moment.value))
  const may = (op: Step['op']): boolean => allowed(op, moment.value)

  async function send(step: Step, quietly = false): Promise<void> {
    if (busy.value && !quietly) return
    busy.value = true
    const { op, ...fields } = step
    try {
      await link.command(op, fields)
      refused.value = ''
    } catch (error) {
      const code = error instanceof Refused ? error.code : 'unknown'
      if (!quietly || !QUIET.has(code)) say(code)
    } finally {
      busy.value = false
    }
  }

  function say(code: string): void {
    refused.value = code
    clearTimeout(timer)
    timer = window.setTimeout(() => (refused.value = ''), NOTE_MS)
  }

  function step(wanted: Step | null): void {
    if (!wanted || !may(wanted.op)) return
    if (wanted.op === 'finish') asking.value = true
    else void send(wanted)
  }

  function finish(): void {
    asking.value = false
    void send({ op: 'finish' })
  }

  function pressed(key: Key): void {
    if (key === 'help') helping.value = !helping.value
    else if (key === 'close') helping.value = asking.value = false
    else if (asking.value) return // the dialog has its own buttons
    else if (helping.value) helping.value = false
    else if (key === 'next') step(next.value)
    else step({ op: key } as Step)
  }

  function key(event: KeyboardEvent): void {
    const means = meaning(event.key)
    if (!means || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return
    const onButton = event.target instanceof HTMLElement && event.target.closest('button, a, input')
    if (onButton && (event.key === 'Enter' || event.key === ' ')) return // it presses that button
    if (asking.value && event.key === 'Enter') {
      event.preventDefault()
      return finish()
    }
    if (asking.value && means !== 'close') return
    event.preventDefault() // F would toggle the full screen, space would scroll
    pressed(means)
  }

  watch(show.now, (now) => {
    const question = show.asked.value
    if (show.state.value !== 'question' || !question || now < question.ends_at + GRACE_MS) return
    if (locked === question.starts_at) return
    locked = question.starts_at
    void send({ op: 'lock' }, true)
  })
  onMounted(() => addEventListener('keydown', key, true))
  onBeforeUnmount(() => {
    removeEventListener('keydown', key, true)
    clearTimeout(timer)
  })
  return { busy, asking, helping, refused, next, may, step, finish, pressed }
}

export type Hosting = ReturnType<typeof hosting>
