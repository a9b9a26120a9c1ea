export const zh = {
  name: '投票',
  'refused.not_voting_yet': '投票还没有开始',
  'refused.contestant_unknown': '选中的选手已不在名单中,请刷新后再试',
  'refused.contestant_state': '选手当前的状态不能这样操作',
  'refused.too_few_choices': '选择的选手太少了',
  'refused.too_many_choices': '选择的选手太多了',
  'refused.same_choice': '同一张选票里不能重复选择同一位选手',
  'refused.ballot_limit': '你的票已经投完了',
  'refused.contestant_limit': '今天给这位选手的票已经投满了',
}
