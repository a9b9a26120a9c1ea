interface GameCard {
  art: string
  name: () => string
}

const cards = import.meta.glob<GameCard>('../games/*/card.ts', { eager: true })

export function cardOf(game: string): GameCard | undefined {
  return cards[`../games/${game}/card.ts`]
}
