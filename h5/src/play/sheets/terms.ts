import { count, moment } from '../../shell/locale'
import type { Prize } from '../../shell/wire'
import { t } from './text'

const DEFAULT_DAYS = 7

/** What a prize is, how it comes, how many of it anybody may win, and when: a sentence each. */
export function termsOf(prize: Prize, timezone: string): string[] {
  const { per_member, per_day } = prize
  return [
    ...kind(prize),
    ...(per_member ? [t('terms.per_member', { n: count(per_member) })] : []),
    ...(per_day ? [t('terms.per_day', { n: count(per_day) })] : []),
    ...release(prize, timezone),
  ]
}

function kind({ kind, value, delivery, claim_days = DEFAULT_DAYS }: Prize): string[] {
  if (kind === 'none') return []
  if (kind === 'chance') return [t('terms.chance', { n: count(value) })]
  if (kind !== 'physical') return [t(`terms.${kind}`)]
  return [t(delivery === 'on_site' ? 'terms.on_site' : 'terms.ship', { n: count(claim_days) })]
}

function release({ release }: Prize, timezone: string): string[] {
  if (release?.mode === 'linear') return [t('terms.linear')]
  if (release?.mode !== 'list') return []
  const steps = release.steps.map(({ at, units }) => ({ at: Date.parse(at), units }))
  steps.sort((one, other) => one.at - other.at)
  return steps.map(({ at, units }) => t('terms.step', { at: moment(at, timezone), n: count(units) }))
}
