import { count } from '../../shell/locale'
import type { Play } from './events'
import { t } from './text'

export { default as Page } from './RainPage.vue'

function tiers(play: Play): { label: string; text: string }[] {
  let from = 1
  return (play.score_mode?.tiers ?? []).map(({ places, points }) => {
    const first = from
    from += places
    const label = places === 1 ? t('fact.tier.one', { from: first }) : t('fact.tier', { from: first, to: from - 1 })
    return { label, text: t('fact.tier.text', { n: count(points) }) }
  })
}

/** Counts, odds and limits of the rain, for the rules. */
export function facts(raw: unknown): { label: string; text: string }[] {
  const play = raw as Play
  const odds = Math.round((play.packets / play.drops) * 100)
  const pot = { packets: count(play.packets_per_round), points: count(play.points_per_round) }
  return [
    { label: t('fact.rounds'), text: t('fact.rounds.text', { n: count(play.rounds) }) },
    ...(play.score_mode ? tiers(play) : [{ label: t('fact.pot'), text: t('fact.pot.text', pot) }]),
    { label: t('fact.drops'), text: t('fact.drops.text', { drops: play.drops }) },
    { label: t('fact.packets'), text: t('fact.packets.text', { n: play.packets, odds }) },
    { label: t('fact.bombs'), text: t('fact.bombs.text', { n: play.bombs, score: play.bomb_score }) },
    { label: t('fact.cap'), text: t('fact.cap.text', { n: play.cap }) },
    { label: t('fact.late'), text: t(play.late_join ? 'fact.late.yes' : 'fact.late.no') },
  ]
}
