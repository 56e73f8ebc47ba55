import { readFileSync } from 'node:fs'
import { packageFile } from './files.js'

/** Version of this build, as its package says. */
export const buildVersion: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
