import type { zh } from './zh-CN'

export const en: { [Key in keyof typeof zh]: string } = {
  name: 'Vote',
  'refused.not_voting_yet': 'Voting has not begun yet',
  'refused.contestant_unknown': 'One of your choices is no longer in the list: reload and try again',
  'refused.contestant_state': 'The contestant’s state does not allow this',
  'refused.too_few_choices': 'Choose more contestants',
  'refused.too_many_choices': 'You have chosen too many contestants',
  'refused.same_choice': 'A ballot names each contestant once',
  'refused.ballot_limit': 'You have used all your votes',
  'refused.contestant_limit': 'You have voted for this contestant as often as a day allows',
}
