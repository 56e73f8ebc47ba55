export { InotifyError } from './error.js'
export { Inotify, type InotifyEvent, inotifyBits } from './inotify.js'
