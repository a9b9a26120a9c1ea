import type { Team, TeamScore } from '../events'

export interface TeamLine extends TeamScore {
  name: string
  index: number // which shape and colour is theirs
}

/** The teams with their names, the best first; equal scores stay in the order of the config. */
export function teamLines(teams: readonly Team[], scores: readonly TeamScore[]): TeamLine[] {
  const lines = teams.map(({ id, name }, index) => {
    const { score = 0, members = 0 } = scores.find((one) => one.id === id) ?? {}
    return { id, name, index, score, members }
  })
  return lines.sort((a, b) => b.score - a.score || a.index - b.index)
}
