#!/usr/bin/env bash
# The reports' full budgets, in pieces: each call trains for at most LIMIT seconds (default 540), saves,
# and says what is left; the same call again continues. Finished runs hand their records to results/.
#   benchmarks/gpu/budgets.sh                  all recipes below, one after the other
#   benchmarks/gpu/budgets.sh dtn-faces-ours   these alone
# FLAGS are handed to `unpaired train` (FLAGS=--smoke tries the script out).
set -uo pipefail
cd "$(dirname "$0")/../.."
deadline=$((SECONDS + ${LIMIT:-540}))
recipes=("$@")
if [ ${#recipes[@]} -eq 0 ]; then
  recipes=(
    dtn-svhn-mnist dtn-svhn-mnist-ours dtn-mnist-svhn dtn-mnist-svhn-ours dtn-faces dtn-faces-ours
    svhn-mnist-unet-ls svhn-mnist-unet-ns svhn-mnist-resnet-ns svhn-mnist-ours
    mnist-fashion mnist-fashion-ours
    emoji-residual-cnn emoji-residual-patch emoji-unet-patch emoji-no-cycle emoji-ours
    dcgan-mnist wgan-mnist wgan-gp-mnist
    facades-ours facades-cyclegan facades-sn facades-wgan-gp
    mnist-usps-128 mnist-usps-128-no-cycle mnist-usps-128-cycle-30 mnist-usps-128-fast mnist-usps-128-fastest
  )
fi
for recipe in "${recipes[@]}"; do
  run="runs/gpu-$recipe"
  [ -f "$run/report.html" ] && continue
  left=$((deadline - SECONDS))
  [ "$left" -lt 30 ] && { echo "not finished: $recipe and what follows; call again"; exit 0; }
  # SIGTERM saves and ends with 143.
  timeout --signal TERM --kill-after 60 "$left" python -m unpaired train --recipe "$recipe" -o "$run" ${FLAGS:-}
  code=$?
  [ "$code" -eq 0 ] && echo "finished: $recipe" || echo "$recipe ended with $code"
done
