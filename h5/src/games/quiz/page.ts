import { count } from '../../shell/locale'
import type { Play } from './events'
import { t } from './text'

export { default as Page } from './QuizPage.vue'

type Fact = { label: string; text: string }

function tiers(play: Play): Fact[] {
  let from = 1
  return (play.tiers ?? []).map(({ places, points }) => {
    const first = from
    from += places
    const label = places === 1 ? t('fact.tier.one', { from: first }) : t('fact.tier', { from: first, to: from - 1 })
    return { label, text: t('fact.tier.text', { n: count(points) }) }
  })
}

function live(play: Play): Fact[] {
  const teams = play.teams ?? []
  return [
    { label: t('fact.scoring'), text: t(play.scoring === 'speed' ? 'fact.scoring.speed' : 'fact.scoring.flat') },
    ...(play.streak_bonus ? [{ label: t('fact.streak'), text: t('fact.streak.text', { n: count(play.streak_bonus) }) }] : []),
    { label: t('fact.late'), text: t(play.late_join ? 'fact.late.yes' : 'fact.late.no') },
    ...(play.survival ? [{ label: t('fact.survival'), text: t('fact.survival.text') }] : []),
    ...(teams.length ? [{ label: t('fact.teams'), text: teams.map((team) => team.name).join(' · ') }] : []),
    ...tiers(play),
  ]
}

function solo(play: Play): Fact[] {
  const { pass_score: pass, points_per_right: points, score_per_right: score, lives, speed_bonus: speed } = play
  return [
    ...(score ? [{ label: t('fact.score'), text: t(speed ? 'fact.score.speed' : 'fact.score.text', { n: count(score) }) }] : []),
    ...(pass ? [{ label: t('start.pass'), text: t('start.pass.n', { n: count(pass) }) }] : []),
    ...(points ? [{ label: t('start.points'), text: t('start.points.n', { n: count(points) }) }] : []),
    ...(lives ? [{ label: t('start.lives'), text: t('fact.lives.text', { n: lives }) }] : []),
    { label: t('fact.feedback'), text: t(play.feedback === 'end' ? 'fact.feedback.end' : 'fact.feedback.each') },
  ]
}

/** How the quiz goes, for the rules. */
export function facts(raw: unknown): Fact[] {
  const play = raw as Play
  return [
    { label: t('fact.mode'), text: t(`fact.mode.${play.mode}`) },
    { label: t('start.questions'), text: t('start.questions.n', { n: play.of ?? play.count ?? 0 }) },
    { label: t('start.seconds'), text: t('start.seconds.n', { n: play.seconds }) },
    { label: t('fact.kinds'), text: play.kinds.map((kind) => t(`kind.${kind}`)).join(' · ') },
    ...(play.mode === 'live' ? live(play) : solo(play)),
    { label: t('fact.shuffle'), text: t('fact.shuffle.text') },
  ]
}
