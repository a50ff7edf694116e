vigil-ping URL -- python embed.py --all
