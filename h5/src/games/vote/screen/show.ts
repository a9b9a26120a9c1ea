import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { StageContext } from '../../../shell/stage'
import type { ServerEvent } from '../../../shell/wire'
import { contestants } from '../api'
import type { Contestant, Picture, Play, Standing, Tally } from '../events'
import { numberIn, type Placed, placed } from '../standings'

const LOOK_MS = 100 // ten pictures a second at most
const BASE_MS = 8000 // movement is told against the order of so long ago
const ASK_MS = 1500 // names that are missing are asked for so often at most
const LISTED = { order: 'votes', search: '', group: '', seed: 0 } as const
const KNOWN = 50

/** The vote as the big screen sees it. */
export function voteShow(context: StageContext<Play, Picture>) {
  const known = shallowRef(new Map<string, Contestant>())
  const board = shallowRef<Placed[]>([])
  const underReview = shallowRef<ReadonlySet<string>>(new Set())
  const sums = ref({ votes: 0, ballots: 0, contestants: 0 })
  let latest: Tally | null = null
  let before: string[] = []
  let basedAt = -Infinity
  let looking = 0
  let asking = 0

  const results = computed(() => context.room.value.play?.results ?? 'always')
  const sealed = computed(() => results.value !== 'always')

  function look(): void {
    looking = 0
    if (!latest) return
    const { top, votes, ballots, contestants: many, under_review: ids } = latest
    const now = context.now()
    if (now - basedAt > BASE_MS) {
      before = board.value.map((line) => line.id)
      basedAt = now
    }
    board.value = order(top)
    underReview.value = new Set(ids)
    sums.value = { votes, ballots, contestants: many }
    if (top.some(({ id }) => !known.value.has(id))) ask()
  }

  function order(top: Standing[]): Placed[] {
    const lines = placed(top, numberIn, before)
    return before.length ? lines : lines.map((line) => ({ ...line, move: 0 }))
  }

  function ask(): void {
    asking ||= window.setTimeout(() => void learn(), known.value.size ? ASK_MS : 0)
  }

  async function learn(): Promise<void> {
    try {
      const list = await contestants(context.room.value.id, LISTED, KNOWN)
      known.value = new Map(list.contestants.map((one) => [one.id, one]))
    } catch {
      // the next tally asks again
    }
    asking = 0
  }

  function heard(event: ServerEvent): void {
    if (event.ev === 'contestants_changed') return ask()
    if (event.ev !== 'tally') return
    latest = event as Tally
    context.joined(latest.joined)
    looking ||= window.setTimeout(look, LOOK_MS)
  }

  function arrived(picture: Picture | null | undefined): void {
    if (!picture?.votes || sealed.value || board.value.length) return
    const top = Object.entries(picture.votes).map(([id, votes]) => ({ id, votes }))
    board.value = order(top).slice(0, 10)
    ask()
  }

  watch(() => context.snapshot.value?.game, arrived, { immediate: true, flush: 'sync' })
  onScopeDispose(context.onEvent(heard))
  onScopeDispose(() => {
    clearTimeout(looking)
    clearTimeout(asking)
  })
  return { known, board, underReview, sums, sealed }
}
