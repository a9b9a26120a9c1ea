import { createApp } from 'vue'
import '../shell/style.css'
import './screen.css'
import ScreenPage from './ScreenPage.vue'

createApp(ScreenPage).mount('#app')
