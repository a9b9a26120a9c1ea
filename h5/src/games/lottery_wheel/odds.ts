import { count } from '../../shell/locale'
import type { Audience, Play, WheelPrize } from './events'
import { t } from './text'

export interface Fact {
  label: string
  text: string
}

/** Odds per 100,000 as per cent, as exact as they are. */
export function percent(odds: number): string {
  return `${Number((odds / 1000).toFixed(3))}%`
}

function audience({ match, levels = [], tags = [] }: Audience): string {
  const names = [...levels, ...tags]
  if (match === 'everyone' || !names.length) return t('fact.everyone')
  return names.join(t(match === 'all_of' ? 'fact.and' : 'fact.or'))
}

function pools(play: Play): Fact[] {
  const nameOf = (id: string): string => play.prizes.find((prize) => prize.id === id)?.name ?? id
  return play.pools.map((pool, i) => ({
    label: t('fact.pool', { n: i + 1, who: audience(pool.audience) }),
    text: Object.entries(pool.odds).map(([id, odds]) => `${nameOf(id)} ${percent(odds)}`).join(t('fact.list')),
  }))
}

/** The published odds: the base, every pool in the order in which it is tried, and what else decides; stock and caps are with the prizes. */
export function oddsFacts(play: Play): Fact[] {
  const { prizes, pity, ten_draw: ten } = play
  const odds = ({ odds, unlock_after: after }: WheelPrize): string =>
    percent(odds) + (after ? t('fact.dot') + t('fact.unlock', { n: count(after) }) : '')
  const sure = pity?.prizes.map((id) => prizes.find((prize) => prize.id === id)?.name ?? id).join(t('fact.list'))
  return [
    ...prizes.map((prize) => ({ label: t('fact.odds', { name: prize.name }), text: odds(prize) })),
    ...pools(play),
    ...(pity ? [{ label: t('fact.pity'), text: t('fact.pity.text', { n: count(pity.after), names: sure ?? '' }) }] : []),
    ...(ten ? [{ label: t('fact.ten'), text: t('fact.ten.text') }] : []),
    { label: t('fact.fallback'), text: t('fact.fallback.text') },
  ]
}
