import { EventLog } from '@weir/store'
import { expect } from 'chai'
import { startAppender } from './child.js'
import { readAll } from './drafts.js'
import { folderPlace, storageAt } from './places.js'

/** Kills an appending process at `rounds` random moments; each time nothing acknowledged may be gone. */
export async function killRounds(rounds: number, random: () => number): Promise<void> {
  const place = await folderPlace()
  try {
    let acknowledged = 0
    for (let round = 0; round < rounds; round++) {
      const child = startAppender(
        place.path,
        1 + Math.floor(random() * 40),
        1 + Math.floor(random() * 8),
        random() < 0.3 ? 5000 : 10,
      )
      try {
        await child.reached(1 + Math.floor(random() * 200))
        await new Promise(resolve => setTimeout(resolve, random() * 30))
      } finally {
        child.process.kill('SIGKILL')
        await child.ended
      }
      const said = child.lines()
      expect(said[0]).to.match(/^open /)
      acknowledged = Math.max(acknowledged, ...said.slice(1).map(Number))
      const log = await EventLog.open({ storage: storageAt(place.path) })
      try {
        expect(log.head.seq, `round ${round}`).to.be.at.least(acknowledged)
        const { findings, events } = await log.verify()
        expect(findings).to.deep.equal([])
        expect(events).to.equal(log.head.seq)
        const wrong = (await readAll(log)).filter((event, i) => event.seq !== i + 1)
        expect(wrong).to.deep.equal([])
        const snapshot = await log.snapshots.latest('count')
        if (snapshot !== undefined) expect((snapshot.state as { last: number }).last).to.equal(snapshot.seq)
      } finally {
        await log.close()
      }
    }
    expect(acknowledged).to.be.greaterThan(0)
  } finally {
    await place.remove()
  }
}
