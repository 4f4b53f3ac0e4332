#!/usr/bin/env bash
# Small clips for the RTSP servers of the tests (Debian's ffmpeg). usage: make_clips.sh OUTDIR
# 320x180, 2 fps, a keyframe every 2 s, no B-frames, 8 s: Annex B with access unit delimiters, and .mp4.
set -euo pipefail
out=${1:?usage: make_clips.sh OUTDIR}
mkdir -p "$out"
size=size=320x180:rate=2
ffmpeg() { command ffmpeg -nostdin -hide_banner -loglevel error -y "$@"; }

ffmpeg -f lavfi -i "testsrc2=$size" -t 8 -pix_fmt yuv420p -c:v libx264 -preset veryfast -tune zerolatency \
  -profile:v main -bf 0 -g 4 -keyint_min 4 -sc_threshold 0 -x264-params aud=1:repeat-headers=1 "$out/normal.mp4"
ffmpeg -i "$out/normal.mp4" -c copy -bsf:v h264_mp4toannexb -f h264 "$out/normal.h264"
ffmpeg -f lavfi -i "testsrc2=$size" -t 8 -pix_fmt yuv420p -c:v libx265 -preset ultrafast \
  -x265-params log-level=error:keyint=4:min-keyint=4:bframes=0:repeat-headers=1:aud=1 -f hevc "$out/normal.h265"
