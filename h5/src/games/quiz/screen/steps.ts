import type { LiveState } from '../events'

/** What a host may do; the fields of its command. */
export type Step =
  | { op: 'ask'; question: number }
  | { op: 'lock' }
  | { op: 'reveal' }
  | { op: 'rank' }
  | { op: 'finish' }

/** Where the quiz is, and what is left of it. `over`: the time of the question has run out. */
export interface Moment {
  state: LiveState
  over: boolean
  next: number | null
}

/** Whether the server would take the step in this moment. */
export function allowed(op: Step['op'], { state, over, next }: Moment): boolean {
  switch (op) {
    case 'ask':
      return next !== null && (state === 'lobby' || state === 'reveal' || state === 'ranking')
    case 'lock':
      return state === 'question'
    case 'reveal':
      return state === 'locked' || (state === 'question' && over)
    case 'rank':
      return state === 'reveal'
    case 'finish':
      return state === 'reveal' || state === 'ranking'
  }
}

/** The step that one key leads on with; null at the end. */
export function nextStep(moment: Moment): Step | null {
  const { state, over, next } = moment
  if (state === 'lobby' || state === 'ranking') return next === null ? (state === 'ranking' ? { op: 'finish' } : null) : { op: 'ask', question: next }
  if (state === 'question') return over ? { op: 'reveal' } : { op: 'lock' }
  if (state === 'locked') return { op: 'reveal' }
  return state === 'reveal' ? { op: 'rank' } : null
}

export type Key = 'next' | 'lock' | 'reveal' | 'rank' | 'finish' | 'help' | 'close'

const KEYS: Record<string, Key> = {
  ' ': 'next', enter: 'next', arrowright: 'next', pagedown: 'next', // the last is what presenters' remotes send
  l: 'lock', r: 'reveal', k: 'rank', f: 'finish', h: 'help', '?': 'help', escape: 'close',
}

/** What a key of the host's keyboard means. */
export function meaning(key: string): Key | null {
  return KEYS[key.toLowerCase()] ?? null
}
