import { count } from './locale'
import { t } from './text'
import type { Prize } from './wire'

/** Whether its winner fetches it from the prizes' sheet; the others come by themselves. */
export const isFetched = ({ kind }: Prize): boolean => kind === 'physical' || kind === 'code' || kind === 'coupon'

/** How a prize comes, and what its winner does for it and by when: a sentence each. */
export function stepsOf({ kind, value, delivery, claim_days: days }: Prize): string[] {
  if (kind === 'none') return []
  if (kind !== 'physical') return [t(`claim.${kind}`, { n: count(value) })]
  const within = days ? [t('claim.days', { n: count(days) })] : []
  return [t(delivery === 'on_site' ? 'claim.on_site' : 'claim.ship'), ...within]
}

/** What the button to the prizes' sheet says to who has just won this. */
export function claimWord(prize?: Prize): string {
  return t(prize?.kind === 'physical' && prize.delivery !== 'on_site' ? 'claim.address' : 'claim.prizes')
}
