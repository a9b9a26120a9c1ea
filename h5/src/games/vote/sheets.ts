/** What opens over the page, in one chunk that only those fetch who open one. */
export { default as DetailView } from './DetailView.vue'
export { default as SignupView } from './signup/SignupView.vue'
