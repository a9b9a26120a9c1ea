import { defineAsyncComponent } from 'vue'
import { count } from '../../shell/locale'
import type { Play } from './events'
import { t } from './text'

export { default as Page } from './VotePage.vue'
export const Ended = defineAsyncComponent(() => import('./EndedView.vue')) // few come after the end

const times = (limit: number | null): string => (limit === null ? t('fact.any') : t('fact.times', { n: count(limit) }))

/** Ballots, weights, results and reviews, for the rules. */
export function facts(raw: unknown): { label: string; text: string }[] {
  const { ballots, weights, results, votes_per_minute: growth } = raw as Play
  const { per_day: day, total, per_contestant_per_day: each, choose_min: min, choose_max: max } = ballots
  return [
    ...(day !== null || total === null ? [{ label: t('fact.per_day'), text: times(day) }] : []),
    ...(total === null ? [] : [{ label: t('fact.total'), text: times(total) }]),
    ...(each === null ? [] : [{ label: t('fact.each'), text: times(each) }]),
    { label: t('fact.choose'), text: min === max ? t('left.choose', { n: max }) : t('left.choose.range', { min, max }) },
    ...weights.map(({ level, weight }) => ({ label: t('fact.weights'), text: t('fact.weight', { level, n: count(weight) }) })),
    { label: t('fact.results'), text: t(`fact.results.${results}`) },
    { label: t('fact.review'), text: growth ? t('fact.review.text', { n: count(growth) }) : t('fact.review.staff') },
  ]
}
