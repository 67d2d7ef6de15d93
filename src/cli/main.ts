#!/usr/bin/env node
import { Command } from 'commander'
import { runQuickstart } from './quickstart.js'

const program = new Command('anneal')
  .description('Train, regularize, tune and adapt neural networks in TypeScript, on ONNX Runtime')
  .showHelpAfterError('(anneal --help lists the commands)')

program
  .command('quickstart')
  .description('train a digit classifier, and see what regularization does to one that overfits (under a minute)')
  .option('--seed <number>', 'seed of weights, shuffling and dropout', '0')
  .option('--small <number>', 'examples in the deliberately small training set', '500')
  .option('--out <folder>', 'where the run folder goes', 'runs')
  .action(runQuickstart)

program.parseAsync().catch((error: unknown) => {
  const known = error instanceof Error && 'code' in error
  process.stderr.write(
    `${known ? `${error.name}: ${error.message}` : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  process.exitCode = 1
})
