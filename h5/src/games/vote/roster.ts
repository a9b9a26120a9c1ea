import { ref, shallowRef } from 'vue'
import { Refused } from '../../shell/wire'
import type { Query } from './api'
import type { Contestant, ContestantList } from './events'

const PAGE = 30
const MOST = 200 // that one request may ask for

type Fetch = (query: Query, limit: number, after: string | null) => Promise<ContestantList>

/** New facts for the lines on show, which stay where they are; whether the list itself has become another. */
export function merged(shown: Contestant[], fresh: Contestant[]): { lines: Contestant[]; moved: boolean } {
  const of = new Map(fresh.map((one) => [one.id, one]))
  const lines = shown.map((one) => of.get(one.id) ?? one)
  return { lines, moved: shown.length !== fresh.length || shown.some((one, at) => one.id !== fresh[at]!.id) }
}

/** A list of contestants page by page. What it shows moves only when the member asks for it. */
export function roster(fetched: Fetch, first: Query) {
  const query = shallowRef<Query>(first)
  const lines = shallowRef<Contestant[]>([])
  const total = ref(0)
  const phase = ref<'loading' | 'ready' | 'failed'>('loading')
  const more = ref<'idle' | 'loading' | 'failed'>('idle')
  const moved = ref(false) // the list has changed since it was loaded
  let next: string | null = null
  let turn = 0 // answers to older questions are dropped
  let delay = 0

  /** Asks anew; what was shown stays until the answer is here. */
  async function load(change: Partial<Query> = {}): Promise<void> {
    query.value = { ...query.value, ...change }
    const mine = ++turn
    phase.value = 'loading'
    more.value = 'idle'
    try {
      const list = await fetched(query.value, PAGE, null)
      if (mine !== turn) return
      lines.value = list.contestants
      next = list.next
      total.value = list.total
      moved.value = false
      phase.value = 'ready'
    } catch (error) {
      if (mine !== turn) return
      phase.value = 'failed'
      delay = error instanceof Refused ? (error.retryMs ?? 0) : 0
    }
  }

  async function grow(): Promise<void> {
    if (!next || more.value === 'loading' || phase.value !== 'ready') return
    const mine = turn
    more.value = 'loading'
    try {
      const list = await fetched(query.value, PAGE, next)
      if (mine !== turn) return
      const here = new Set(lines.value.map((one) => one.id))
      lines.value = [...lines.value, ...list.contestants.filter((one) => !here.has(one.id))]
      next = list.next
      total.value = list.total
      more.value = 'idle'
    } catch {
      if (mine === turn) more.value = 'failed'
    }
  }

  /** Looks at the same lines again: their facts change in place, their order does not. */
  async function refresh(): Promise<void> {
    if (phase.value !== 'ready' || more.value === 'loading') return
    const mine = turn
    const limit = Math.min(MOST, Math.max(PAGE, lines.value.length))
    try {
      const list = await fetched(query.value, limit, null)
      if (mine !== turn) return
      const seen = merged(lines.value.slice(0, limit), list.contestants.slice(0, Math.max(lines.value.length, 1)))
      lines.value = [...seen.lines, ...lines.value.slice(limit)]
      moved.value = seen.moved || total.value !== list.total
    } catch {
      // the lines on show are good enough until the next look
    }
  }

  return {
    query, lines, total, phase, more, moved, load, grow, refresh,
    get hasMore() {
      return next !== null
    },
    get retryMs() {
      return delay
    },
  }
}

export type Roster = ReturnType<typeof roster>
