import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from '../build.mjs'
import { isSame, survived } from './results.mjs'

const document = path.join(root, 'docs', 'mutation.md')

/** Brings the scores of files that were run, and the explained survivors, into docs/mutation.md. */
export function writeTables(results, files, explanations) {
  const text = readFileSync(document, 'utf8')
  const before = new Map([...text.matchAll(/^\| `(.+\.ts)` \|.*$/gm)].map(([row, file]) => [file, row]))
  const rows = files.flatMap(file => {
    const mutants = results.mutantsOf(file)
    const row = mutants === undefined ? before.get(file) : scoreRow(file, mutants, explanations)
    return row === undefined ? [] : [row]
  })
  const scores = [
    '| file | mutants | killed | explained | left | score |',
    '|---|---|---|---|---|---|',
    ...rows,
    totalRow(rows),
  ]
  const reasons = [...new Set(explanations.map(({ why }) => why))].flatMap(why => [
    `- ${why}`,
    ...explanations.filter(known => known.why === why).map(explainedLine),
  ])
  writeFileSync(document, section(section(text, 'scores', scores), 'explained', reasons))
}

function scoreRow(file, mutants, explanations) {
  const survivors = mutants.filter(survived)
  const explained = survivors.filter(mutant => explanations.some(known => isSame(known, mutant))).length
  const killed = mutants.length - survivors.length
  return row(`\`${file}\``, mutants.length, killed, explained, survivors.length - explained)
}

function totalRow(rows) {
  const numbers = rows.map(text => text.split('|').slice(2, 6).map(Number))
  return row('all', ...[0, 1, 2, 3].map(column => numbers.reduce((sum, each) => sum + each[column], 0)))
}

function row(name, mutants, killed, explained, left) {
  const score = `${((100 * killed) / Math.max(mutants, 1)).toFixed(1)} %`
  return `| ${[name, mutants, killed, explained, left, score].join(' | ')} |`
}

const explainedLine = ({ file, code, becomes }) =>
  `  - \`${file}\`\n\n    \`\`\`diff\n    - ${code}\n    + ${becomes}\n    \`\`\``

/** The text with lines in place of what stands between two marks. */
function section(text, name, lines) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/mutation.md has no ${start} … ${end}`)
  return `${text.slice(0, from + start.length)}\n${lines.join('\n')}\n${text.slice(to)}`
}
