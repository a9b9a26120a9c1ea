import type { Play } from './events'
import { oddsFacts } from './odds'

export { default as Page } from './WheelPage.vue'

/** Odds, limits and guarantees, for the rules. */
export function facts(play: unknown): { label: string; text: string }[] {
  return oddsFacts(play as Play)
}
