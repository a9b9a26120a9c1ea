export { default as Stage } from './screen/StageView.vue'
export { default as Ended } from './screen/EndedStage.vue'
