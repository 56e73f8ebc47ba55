import { eventLogConformance } from './conformance.js'
import { folderPlace, memoryPlace } from './places.js'

eventLogConformance({ name: 'a folder', factory: folderPlace, supports: { reopen: true, lock: true } })
eventLogConformance({ name: 'memory', factory: async () => memoryPlace(), supports: { reopen: true, lock: false } })
